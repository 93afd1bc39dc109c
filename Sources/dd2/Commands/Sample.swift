import ArgumentParser
import Artifacts
import DD2Teacher
import Distillation
import Foundation
import Sampling
import TeacherModels
import Training

/// `dd2 sample`: draws with a one-step generator, in a few steps with its teacher's help, or with the teacher for
/// comparison.
struct Sample: SpreadCommand {
  /// What draws alone.
  enum Method: String, EnumerableFlag {
    case oneStep
    case teacherSteps

    static func help(for value: Method) -> ArgumentHelp? {
      switch value {
      case .oneStep: "Draw with the generator: one network call per image (the default)."
      case .teacherSteps: "Draw with the teacher: one call per stage."
      }
    }
  }

  static let configuration = CommandConfiguration(
    abstract: "Draw images with a one-step generator, in a few steps, or with its teacher.",
    discussion: """
      Example: dd2 sample -o out/ --count 100 --grid

      Writes 000012-class3.png and so on, and samples.json with all settings and the speed; images of an earlier run of \
      this command in the folder are removed. Without --checkpoint, \
      --one-step and --few-step take the averaged generator of the newest run in runs/, else the bundled one; with \
      --teacher, one that was distilled from it. In a few steps the teacher's distribution is shaped as the generator \
      learned it, unless --cfg and the like say otherwise. With --interpolate, --count images lead from sample A to \
      sample B, both included, all of one class: --class, else that of sample A. An imported generator of DD1 draws in one \
      step or with --few-step 2, without a teacher.
      """)

  @Flag var method: Method?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Draw in K calls: one of the generator, the rest corrections by the teacher.", valueName: "k"))
  var fewStep: Int?

  @Option(
    help: ArgumentHelp("The generator file, with --one-step and --few-step.", valueName: "file"), completion: .file())
  var checkpoint: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Draw the path between the noises of samples A and B, with --one-step.", valueName: "a:b"))
  var interpolate: String?

  @OptionGroup(title: "Teacher") var teacher: TeacherOptions
  @OptionGroup(title: "Images") var samples: SampleOptions
  @OptionGroup(title: "Guidance of the teacher") var guidance: GuidanceOptions
  @OptionGroup var computing: DeviceOptions

  func validate() throws {
    if samples.output == nil { throw ValidationError("Missing expected argument '--output <dir>'") }
    if let method, fewStep != nil {
      throw ValidationError("--few-step and --\(method == .oneStep ? "one-step" : "teacher-steps") exclude each other")
    }
    if let fewStep, fewStep < 2 {
      throw ValidationError("--few-step is \(fewStep); give 2 or more, or --one-step")
    }
    if method == .teacherSteps, checkpoint != nil {
      throw ValidationError("--checkpoint is a generator: it needs --one-step; give a teacher with --teacher")
    }
    if drawsInOneStep, guidance.isGiven {
      throw ValidationError(
        "--cfg, --temperature, --top-k and --top-p shape the teacher: they need --few-step or --teacher-steps")
    }
    if interpolate != nil {
      guard drawsInOneStep else { throw ValidationError("--interpolate needs --one-step") }
      _ = try pathEnds()
      guard samples.count >= 2 else { throw ValidationError("--count is \(samples.count); a path takes 2 or more") }
    }
  }

  /// Whether the generator draws alone, as it does where nothing else is asked for.
  private var drawsInOneStep: Bool { method != .teacherSteps && fewStep == nil }

  /// The samples that `--interpolate` names.
  private func pathEnds() throws -> (from: Int, to: Int)? {
    guard let interpolate else { return nil }
    let numbers = interpolate.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 2, let from = numbers[0], let to = numbers[1], from >= 0, to >= 0, from != to else {
      throw ValidationError("--interpolate is '\(interpolate)'; give the numbers of two different samples, such as 3:7")
    }
    guard max(from, to) <= UInt32.max else {
      throw ValidationError("--interpolate is '\(interpolate)'; give numbers of samples of at most \(UInt32.max)")
    }
    return (from, to)
  }

  func run() throws {
    switch method {
    case .teacherSteps:
      try TeacherSample.draw(
        try teacher.load(), guidance: guidance.applied(to: Guidance()), greedy: false, options: samples)
    case .oneStep, nil:
      if let checkpoint, try DD1GeneratorFile.recognizes(checkpoint) { return try drawDD1(checkpoint) }
      try draw(try checkpoint ?? defaultGenerator())
    }
  }

  /// Draws with a generator of DD1.
  private func drawDD1(_ path: String) throws {
    let hasTeacherOptions = teacher.teacher != nil || guidance.isGiven
    guard !hasTeacherOptions, interpolate == nil else {
      let options = hasTeacherOptions ? "--teacher, --cfg, --temperature, --top-k and --top-p" : "--interpolate"
      throw CommandFailure(.usage, "\(path): is a generator of DD1, which knows no \(options); leave it out")
    }
    guard fewStep == nil || fewStep == 2 else {
      throw CommandFailure(
        .usage, "\(path): is a generator of DD1, which draws in one step or two; give --one-step or --few-step 2")
    }
    let sampler = DD1Sampler(generator: try DD1GeneratorFile.read(path), calls: fewStep ?? 1)
    Log.info("generator \(path)")
    let classNames = [String](repeating: "", count: sampler.classCount)
    let record = SampleRecord(
      method: fewStep == nil ? "one-step" : "few-step",
      generator: .init(path: path, sha256: try WeightsManifest.sha256(ofFile: path)),
      callsPerImage: sampler.callsPerImage, count: samples.count, labels: samples.classChoice.description,
      seed: samples.seed, batch: samples.batch ?? sampler.sequencesAtOnce)
    try SamplingRun(options: samples, sampler: sampler, classNames: classNames).run(record)
  }

  /// Draws with a generator, alone or in a few steps.
  private func draw(_ path: String) throws {
    let description = try GeneratorFile.describe(path)
    let teacher = try TeacherFile.read(try TeacherOptions.path(ofTeacherOf: path, given: self.teacher.teacher))
    let loaded = try GeneratorFile.read(path, teacher: teacher)
    Log.info("generator \(path)")
    let generator = GeneratorSampler(generator: loaded.generator, teacher: teacher.teacher)
    let guidance = guidance.applied(to: description.guidance)
    var options = samples
    var record = SampleRecord.teacher(
      teacher, guidance: guidance, greedy: false, callsPerImage: generator.callsPerImage, options: options)
    record.method = "one-step"
    record.generator = .init(path: path, sha256: try WeightsManifest.sha256(ofFile: path))
    var sampler: any ImageSampler = generator
    if let fewStep {
      let corrected = try FewStepSampler(
        generator: generator, guidance: guidance, calls: fewStep)
      (record.method, record.correction, record.callsPerImage) = (
        "few-step", corrected.correction, corrected.callsPerImage
      )
      sampler = corrected
    } else if let ends = try pathEnds() {
      let label = try samples.labels(classCount: teacher.teacher.classCount).label(at: ends.from)
      options.classChoice = .one(Int(label))
      record.labels = options.classChoice.description
      record.interpolation = .init(from: ends.from, to: ends.to)
      sampler = InterpolationSampler(generator: generator, from: ends.from, to: ends.to, count: options.count)
    }
    try SamplingRun(options: options, sampler: sampler, classNames: teacher.classNames).run(record)
  }

  /// The newest run's generator, else a bundled one; where a teacher is given, the first of them that is its student.
  private func defaultGenerator() throws -> String {
    guard let given = teacher.teacher else {
      return try Self.generatorsOfRuns().first ?? BundledModels.path(of: BundledModels.teachers[0].generator)
    }
    let hash = try WeightsManifest.sha256(ofFile: try TeacherOptions.path(of: given))
    let students =
      Self.generatorsOfRuns() + BundledModels.teachers.compactMap { try? BundledModels.path(of: $0.generator) }
    guard let student = students.first(where: { (try? GeneratorFile.describe($0))?.teacherHash == hash }) else {
      throw CommandFailure(
        .missingInput, "no generator of \(given) in runs/ or Models/; give one with --checkpoint, or run dd2 distill")
    }
    return student
  }

  /// The generators of the runs in runs/, the last finished first.
  private static func generatorsOfRuns() -> [String] {
    let root = "runs"
    let names = (try? FileAccess.names(in: root)) ?? []
    let files = names.compactMap { name -> (date: Int, path: String)? in
      let path = "\(root)/\(name)/\(DistillationPipeline.generatorName)"
      return FileAccess.modificationTime(path).map { ($0, path) }
    }
    return files.sorted { ($0.date, $0.path) > ($1.date, $1.path) }.map(\.path)
  }
}
