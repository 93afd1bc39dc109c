import ArgumentParser
import Distillation
import Foundation

/// Which teacher.
struct TeacherOptions: ParsableArguments {
  /// The name of the bundled teacher.
  static let bundledName = "shapes32-var"

  @Option(help: ArgumentHelp("The teacher: \(bundledName), which is bundled, or a file.", valueName: "name|file"))
  var teacher = bundledName

  /// Reads the teacher.
  /// - Throws: `CommandFailure` where there is none; `ArtifactError` where the file is not a sound teacher.
  func load() throws -> TeacherFile.Loaded {
    if teacher == Self.bundledName { return try TeacherFile.read(try BundledModels.path(of: .teacher)) }
    guard FileManager.default.fileExists(atPath: teacher) else {
      throw CommandFailure(
        .missingInput, "\(teacher): no such teacher; give a teacher file or the name \(Self.bundledName)")
    }
    return try TeacherFile.read(teacher)
  }
}
