import ArgumentParser
import Artifacts
import Distillation
import Foundation
import Sampling
import TeacherModels
import Training

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

  /// The teacher whose tokenizer decodes what a generator draws: the one given, else, by hash, the one that the
  /// generator's run names or a bundled one.
  /// - Throws: `CommandFailure` where there is none; `ArtifactError` where the file is not a sound generator.
  static func path(ofTeacherOf generator: String, given teacher: String?) throws -> String {
    let description = try GeneratorFile.describe(generator)
    if let teacher { return try path(of: teacher) }
    let recorded: RunRecord<DistillationRecord>? = try? RunDirectory.open(generator.pathFolder).config()
    let bundled = BundledModels.teachers.map { try? BundledModels.path(of: $0.teacher) }
    let candidates = ([recorded?.settings.teacher.path] + bundled).compactMap { $0 }
    for path in candidates where FileAccess.exists(path) {
      if try WeightsManifest.sha256(ofFile: path) == description.teacherHash { return path }
    }
    throw CommandFailure(
      .missingInput,
      "\(generator): its teacher \(description.teacher) (hash \(description.teacherHash.prefix(12))) is not found; "
        + "give it with --teacher")
  }
}
