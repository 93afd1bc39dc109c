import ArgumentParser
import DD2Teacher
import Datasets
import Evaluation
import FIDEval
import Foundation
import Sampling
import TeacherModels
import Training

/// `dd2 evaluate`: the table of results on shapes32: every method that draws, and the bounds around them.
struct Evaluate: ComputingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure teacher, baselines and one-step generators on shapes32 in one table.",
    discussion: """
      Example: dd2 evaluate --cfg 0 3 --few-step 3

      FID in the features of shapes32, each row on the same number of images. The bounds are held-out data and \
      reconstructions by the tokenizer; the baseline draws every position independently from its class's token \
      frequencies in samples of the unguided teacher. PPL is the perceptual path length in the same features, at a step \
      of \(PerceptualPathLength.epsilon) (smaller is smoother; Karras et al. 2019 use another network and step).
      """)

  @OptionGroup(title: "Teacher") var teacher: TeacherOptions
  @OptionGroup var computing: DeviceOptions

  @Option(
    name: .customLong("checkpoint"), parsing: .upToNextOption,
    help: ArgumentHelp("Generator files, a row each (default: a bundled teacher's own).", valueName: "file"),
    completion: .file())
  var checkpoints: [String] = []

  @Option(
    name: .customLong("cfg"), parsing: .upToNextOption,
    help: "Guidance strengths of the teacher, a row each (default: 0 1.5 2 3).")
  var strengths: [Float] = []

  /// Strengths where none are given.
  private static let usualStrengths: [Float] = [0, 1.5, 2, 3]

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Numbers of calls of few-step sampling, a row each for every generator.", valueName: "k"))
  var fewStep: [Int] = []

  @Flag(help: "Measure the generators alone, without bounds, teacher and baseline.")
  var generatorsOnly = false

  @Flag(help: "Measure the generators' perceptual path length too.")
  var ppl = false

  @Option(parsing: .unconditional, help: "Images per row.")
  var count = 10_000

  @Option(parsing: .unconditional, help: "Images drawn together.")
  var batch = 100

  @Option(parsing: .unconditional, help: "Seed of the samples.")
  var seed: UInt64 = 0

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    try Requirement.positive(batch, "--batch")
    for calls in fewStep { try Requirement.atLeast(2, calls, "--few-step") }
    guard (2...Shapes32.Split.heldOut.count).contains(count) else {
      throw ValidationError("--count is \(count); give 2 to \(Shapes32.Split.heldOut.count)")
    }
    for strength in strengths { try Requirement.guidance(strength) }
    if generatorsOnly, !strengths.isEmpty {
      throw ValidationError("--cfg is of rows that --generators-only leaves out")
    }
  }

  func run() throws {
    let file = try teacher.load()
    let extractor = try FeatureNetFile.read(try BundledModels.path(of: .features))
    guard file.teacher.imageSide == Shapes32.side else {
      throw CommandFailure(
        .badData,
        "\(file.path): draws images of \(file.teacher.imageSide) x \(file.teacher.imageSide) pixels where shapes32's are "
          + "\(Shapes32.side) x \(Shapes32.side); draw with dd2 sample and score with dd2 fid")
    }
    try requireImages(of: file)
    let scorer = FIDScorer(
      extractor: extractor, reference: try .read(try BundledModels.path(of: .referenceStatistics)))
    let drawers = try drawers(file)
    if let text = FIDReport.rankWarning(count, in: "each row", dimension: extractor.dimension) { Log.warning(text) }
    var meter: (method: String, meter: ProgressMeter)?
    defer { meter?.meter.close() }
    let evaluation = Evaluation(scorer: scorer, count: count, batch: batch, seed: seed) { method, done, total in
      if meter?.method != method {
        meter?.meter.close()
        meter = (method, ProgressMeter(method, total: total, unit: "images", initial: done))
      }
      meter?.meter.update(done)
    }
    try announce(evaluation, file.teacher, drawers)
    let rows = try measure(evaluation, file.teacher, drawers)
    meter?.meter.close()
    meter = nil
    try show(rows)
  }

  /// - Throws: `CommandFailure` for a teacher of other images than shapes32, which every row is measured against.
  private func requireImages(of file: TeacherFile.Loaded) throws {
    let classes = (file.teacher.classCount, Shapes32(.heldOut).classNames.count)
    guard (file.trainingData ?? DataOptions.builtIn) == DataOptions.builtIn, classes.0 == classes.1 else {
      throw CommandFailure(
        .badData,
        "\(file.path): has learned " + (file.trainingData.map { "from \($0)" } ?? "images of \(classes.0) classes")
          + ", and the table is of shapes32; draw with dd2 sample and score with dd2 fid")
    }
    if file.trainingData == nil {
      Log.warning("\(file.path) does not say what images it has learned; the table takes them to be those of shapes32")
    }
  }

  /// Something that draws, with its row's name.
  private typealias Drawer = (method: String, sampler: any ImageSampler)

  /// The generators, each followed by its few-step sampling: made first, so that a wrong number is reported at once.
  private func drawers(_ file: TeacherFile.Loaded) throws -> [Drawer] {
    let paths = try checkpoints.isEmpty ? bundledGenerators() : checkpoints
    if paths.isEmpty, ppl || generatorsOnly || !fewStep.isEmpty {
      throw CommandFailure(
        .usage, "--few-step, --ppl and --generators-only measure generators: give some with --checkpoint")
    }
    return try paths.flatMap { path -> [Drawer] in
      let loaded = try GeneratorFile.read(path, teacher: file)
      let generator = GeneratorSampler(generator: loaded.generator, teacher: file.teacher)
      let few = try fewStep.map { calls -> Drawer in
        let sampler = try FewStepSampler(
          generator: generator, guidance: loaded.description.guidance, calls: calls)
        return ("\(calls) steps (\(sampler.correction.rawValue)), \(path)", sampler)
      }
      return [("one step, \(path)", generator)] + few
    }
  }

  private func measure(
    _ evaluation: Evaluation, _ teacher: any Teacher, _ drawers: [Drawer]
  ) throws -> [EvaluationRow] {
    var rows = generatorsOnly ? [] : try surroundings(evaluation, teacher)
    for (method, sampler) in drawers {
      let pathLength = try (sampler as? GeneratorSampler).flatMap {
        ppl ? try evaluation.pathLength(method, $0) : nil
      }
      rows.append(try evaluation.row(method, sampler, classCount: teacher.classCount, pathLength: pathLength))
    }
    return rows
  }

  /// Teacher samples whose token frequencies the independent baseline draws from, per image of a row.
  private static let baselineShare = 2

  /// The teacher at each strength.
  private func teachers(_ teacher: any Teacher) -> [Drawer] {
    (strengths.isEmpty ? Self.usualStrengths : strengths).map {
      ("teacher, cfg \($0)", TeacherSampler(teacher: teacher, guidance: Guidance(cfg: $0)))
    }
  }

  private func baselineSamples(_ teacher: any Teacher) -> Int {
    Swift.max(teacher.classCount, Self.baselineShare * count)
  }

  /// Says how much will be drawn, and about how long that takes, from a few images of each row.
  private func announce(_ evaluation: Evaluation, _ teacher: any Teacher, _ drawers: [Drawer]) throws {
    func seconds(_ sampler: any ImageSampler) throws -> Double {
      try evaluation.secondsPerImage(sampler, classCount: teacher.classCount)
    }
    var total = try drawers.reduce(0) { $0 + Double(count) * (try seconds($1.sampler)) * (ppl ? 2 : 1) }
    var work = "\(drawers.count) rows of \(count) images"
    if !generatorsOnly {
      let teachers = teachers(teacher)
      total += try teachers.reduce(0) { $0 + Double(count) * (try seconds($1.sampler)) }
      let samples = baselineSamples(teacher)
      total += Double(samples) * (try seconds(TeacherSampler(teacher: teacher, guidance: Guidance())))
      work = "\(drawers.count + teachers.count + 3) rows of \(count) images, and \(samples) samples for the baseline"
    }
    Log.info("\(work): about \(ProgressMeter.duration(total))")
  }

  /// What generators are compared with: bounds, teacher, baseline.
  private func surroundings(_ evaluation: Evaluation, _ teacher: any Teacher) throws -> [EvaluationRow] {
    let classes = teacher.classCount
    var rows = [
      try evaluation.row("held-out data", data: Shapes32(.heldOut)),
      try evaluation.row("reconstruction", reconstructing: Shapes32(.heldOut), by: teacher),
    ]
    for (method, sampler) in teachers(teacher) {
      rows.append(try evaluation.row(method, sampler, classCount: classes))
    }
    let samples = baselineSamples(teacher)
    let independent = try evaluation.independentSampler(teacher, guidance: Guidance(), samples: samples)
    rows.append(
      try evaluation.row(
        "independent positions (\(samples) teacher samples)", independent, classCount: classes))
    return rows
  }

  /// The generator that comes with a bundled teacher; none for another one.
  private func bundledGenerators() throws -> [String] {
    let bundled = BundledModels.teachers.first { $0.name == teacher.teacher ?? BundledModels.teachers[0].name }
    return try bundled.map { [try BundledModels.path(of: $0.generator)] } ?? []
  }

  private func show(_ rows: [EvaluationRow]) throws {
    guard !json else { return try Console.result(json: rows) }
    try Console.result("| method | calls | images/s | FID (shapes32 features, not Inception) |" + (ppl ? " PPL |" : ""))
    try Console.result("| --- | --- | --- | --- |" + (ppl ? " --- |" : ""))
    for row in rows {
      let calls = row.callsPerImage.map(String.init) ?? ""
      let speed = row.imagesPerSecond.map { String(format: "%.0f", $0) } ?? ""
      let smoothness = row.pathLength.map { String(format: "%.1f", $0) } ?? ""
      try Console.result(
        "| \(row.method) | \(calls) | \(speed) | \(String(format: "%.2f", row.fid)) |"
          + (ppl ? " \(smoothness) |" : ""))
    }
  }
}
