import ArgumentParser
import Distillation
import Foundation

/// Which teacher.
struct TeacherOptions: ParsableArguments {
  /// The name of the bundled teacher.
  static let bundledName = "shapes32-var"

  @Option(
    help: ArgumentHelp(
      "The teacher: a file, or the name of the bundled one (default: \(bundledName)).", valueName: "name|file"
    ))
  var teacher: String?

  /// Reads the teacher.
  /// - Throws: as `load(_:)`.
  func load() throws -> TeacherFile.Loaded { try Self.load(teacher ?? Self.bundledName) }

  /// Reads the teacher of a name or file.
  /// - Throws: `CommandFailure` where there is none; `ArtifactError` where the file is not a sound teacher.
  static func load(_ teacher: String) throws -> TeacherFile.Loaded {
    try TeacherFile.read(try path(of: teacher))
  }

  /// The file of a teacher.
  /// - Throws: `CommandFailure` where there is none.
  static func path(of teacher: String) throws -> String {
    if teacher == bundledName { return try BundledModels.path(of: .teacher) }
    guard FileManager.default.fileExists(atPath: teacher) else {
      throw CommandFailure(
        .missingInput, "\(teacher): no such teacher; give a teacher file or the name \(bundledName)")
    }
    return teacher
  }
}
