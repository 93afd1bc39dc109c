import ArgumentParser
import Artifacts
import Foundation
import TeacherModels

/// Which teacher.
struct TeacherOptions: ParsableArguments {
  /// The names of the bundled teachers, the default first.
  private static let bundledNames = BundledModels.teachers.map(\.name)

  @Option(
    help: ArgumentHelp(
      "The teacher: a file, or a bundled one: \(bundledNames.joined(separator: ", ")) (default: \(bundledNames[0])).",
      valueName: "name|file"), completion: .file())
  var teacher: String?

  /// Reads the teacher.
  /// - Throws: as `load(_:)`.
  func load() throws -> TeacherFile.Loaded { try Self.load(teacher ?? Self.bundledNames[0]) }

  /// Reads the teacher of a name or file.
  /// - Throws: `CommandFailure` where there is none; `ArtifactError` where the file is not a sound teacher.
  static func load(_ teacher: String) throws -> TeacherFile.Loaded {
    try TeacherFile.read(try path(of: teacher))
  }

  /// The file of a teacher.
  /// - Throws: `CommandFailure` where there is none; `ArtifactError` where it is others' weights or the like.
  static func path(of teacher: String) throws -> String {
    if let bundled = BundledModels.teachers.first(where: { $0.name == teacher }) {
      return try BundledModels.path(of: bundled.teacher)
    }
    guard FileAccess.exists(teacher) else {
      throw CommandFailure(
        .missingInput,
        "\(teacher): no such teacher; \(NearestName.question(teacher, among: bundledNames))give a teacher file or one of "
          + bundledNames.joined(separator: ", "))
    }
    try Checkpoint.refuseOthers(teacher, expecting: TeacherFile.kind)
    return teacher
  }
}
