import ArgumentParser
import Artifacts
import DD2Teacher
import Distillation
import Foundation

/// `dd2 sample`: draws with a one-step generator, or with the teacher for comparison.
struct Sample: ParsableCommand {
  /// What draws.
  enum Method: String, EnumerableFlag {
    case oneStep
    case teacherSteps

    static func help(for value: Method) -> ArgumentHelp? {
      switch value {
      case .oneStep: "Draw with the generator: one network call per image."
      case .teacherSteps: "Draw with the teacher: one call per stage."
      }
    }
  }

  static let configuration = CommandConfiguration(
    abstract: "Draw images with a one-step generator or with its teacher.",
    discussion: """
      Writes 000012-class3.png and so on, and samples.json with all settings and the speed. Without --checkpoint, \
      --one-step takes the averaged generator of the newest run in runs/, else the bundled one; with --teacher, one \
      that was distilled from it.
      """)

  @Flag var method: Method

  @Option(help: ArgumentHelp("The generator file, with --one-step.", valueName: "file"))
  var checkpoint: String?

  @OptionGroup var teacher: TeacherOptions
  @OptionGroup var samples: SampleOptions

  func validate() throws {
    if samples.output == nil { throw ValidationError("Missing expected argument '--output <dir>'") }
    if method == .teacherSteps, checkpoint != nil {
      throw ValidationError("--checkpoint is a generator: it needs --one-step; give a teacher with --teacher")
    }
  }

  func run() throws {
    switch method {
    case .teacherSteps:
      try TeacherSample.draw(try teacher.load(), guidance: Guidance(), greedy: false, options: samples)
    case .oneStep:
      try drawOneStep(try checkpoint ?? defaultGenerator())
    }
  }

  private func drawOneStep(_ path: String) throws {
    let description = try GeneratorFile.describe(path)
    let teacher = try TeacherFile.read(try teacherPath(of: path, description))
    let loaded = try GeneratorFile.read(path, teacher: teacher)
    Log.info("generator \(path)")
    let sampler = GeneratorSampler(generator: loaded.generator, teacher: teacher.teacher)
    var record = SampleRecord.teacher(
      teacher, guidance: description.guidance, greedy: false, callsPerImage: sampler.callsPerImage,
      options: samples)
    record.method = "one-step"
    record.generator = .init(path: path, sha256: try WeightsManifest.sha256(ofFile: path))
    try SamplingRun(options: samples, sampler: sampler)(record)
  }

  /// The teacher whose tokenizer decodes: the one given, else, by hash, the one that the generator's run names or a
  /// bundled one.
  private func teacherPath(of generator: String, _ description: GeneratorDescription) throws -> String {
    if let given = teacher.teacher { return try TeacherOptions.path(of: given) }
    let folder = URL(fileURLWithPath: generator).deletingLastPathComponent().path
    let recorded: RunRecord<DistillationRecord>? = try? RunDirectory.open(folder).config()
    let bundled = BundledModels.teachers.map { try? BundledModels.path(of: $0.teacher) }
    let candidates = ([recorded?.settings.teacher] + bundled).compactMap { $0 }
    for path in candidates where FileManager.default.fileExists(atPath: path) {
      if try WeightsManifest.sha256(ofFile: path) == description.teacherHash { return path }
    }
    throw CommandFailure(
      .missingInput,
      "\(generator): its teacher \(description.teacher) (hash \(description.teacherHash.prefix(12))) is not found; "
        + "give it with --teacher")
  }

  /// The newest run's generator, else a bundled one; where a teacher is given, the first of them that is its student.
  private func defaultGenerator() throws -> String {
    let bundled = try BundledModels.teachers.map { try BundledModels.path(of: $0.generator) }
    guard let given = teacher.teacher else { return Self.generatorsOfRuns().first ?? bundled[0] }
    let hash = try WeightsManifest.sha256(ofFile: try TeacherOptions.path(of: given))
    let students = Self.generatorsOfRuns() + bundled
    guard let student = students.first(where: { (try? GeneratorFile.describe($0))?.teacherHash == hash }) else {
      throw CommandFailure(
        .missingInput, "no generator of \(given) in runs/ or Models/; give one with --checkpoint, or run dd2 distill")
    }
    return student
  }

  /// The generators of the runs in runs/, the last finished first.
  private static func generatorsOfRuns() -> [String] {
    let root = "runs"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    let files = names.compactMap { name -> (date: Date, path: String)? in
      let path = "\(root)/\(name)/\(DistillationPipeline.generatorName)"
      let date = (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
      return date.map { ($0, path) }
    }
    return files.sorted { ($0.date, $0.path) > ($1.date, $1.path) }.map(\.path)
  }
}
