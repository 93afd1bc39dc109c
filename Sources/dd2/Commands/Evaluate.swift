import ArgumentParser
import DD2Teacher
import Datasets
import Distillation
import Foundation

/// `dd2 evaluate`: the table of results on shapes32: every method that draws, and the bounds around them.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure teacher, baselines and one-step generators on shapes32 in one table.",
    discussion: """
      FID in the features of shapes32, each row on the same number of images. The bounds are held-out data and \
      reconstructions by the tokenizer; the baseline is independent sampling of every position from its class's \
      token frequencies.
      """)

  @OptionGroup var teacher: TeacherOptions

  @Option(
    name: .customLong("checkpoint"), parsing: .upToNextOption,
    help: ArgumentHelp("Generator files, a row each (default: a bundled teacher's own).", valueName: "file"))
  var checkpoints: [String] = []

  @Option(
    name: .customLong("cfg"), parsing: .upToNextOption, help: "Guidance strengths of the teacher, a row each.")
  var strengths: [Float] = [0, 1.5, 2, 3]

  @Option(parsing: .unconditional, help: "Images per row.")
  var count = 10_000

  @Option(parsing: .unconditional, help: "Images drawn together.")
  var batch = 100

  @Option(parsing: .unconditional, help: "Seed of the samples.")
  var seed: UInt64 = 0

  @Flag(help: "Print JSON.")
  var json = false

  /// Training images whose token frequencies the independent baseline uses.
  private static let frequencyImages = 40_000

  func validate() throws {
    try Requirement.positive(batch, "--batch")
    guard (2...Shapes32.Split.heldOut.count).contains(count) else {
      throw ValidationError("--count is \(count); give 2 to \(Shapes32.Split.heldOut.count)")
    }
    for strength in strengths { try Requirement.atLeast(0, strength, "--cfg") }
  }

  func run() throws {
    let file = try teacher.load()
    let extractor = try FeatureNetFile.read(try BundledModels.path(of: .features))
    let scorer = FIDScorer(
      extractor: extractor, reference: try .read(try BundledModels.path(of: .referenceStatistics)))
    let interrupts = Interrupts()
    var meter: (method: String, meter: ProgressMeter)?
    defer { meter?.meter.close() }
    let evaluation = Evaluation(scorer: scorer, count: count, batch: batch, seed: seed) { method, done in
      if meter?.method != method {
        meter?.meter.close()
        meter = (method, ProgressMeter(method, total: count, unit: "images", initial: done))
      }
      meter?.meter.update(done)
      try interrupts.check("\(method): \(done) of \(count) images")
    }
    let rows = try measure(evaluation, file)
    meter?.meter.close()
    meter = nil
    try show(rows)
  }

  private func measure(_ evaluation: Evaluation, _ file: TeacherFile.Loaded) throws -> [EvaluationRow] {
    let teacher = file.teacher
    let classes = teacher.classCount
    var rows = [
      try evaluation.row("held-out data", data: Shapes32(.heldOut)),
      try evaluation.row("reconstruction", reconstructing: Shapes32(.heldOut), by: teacher),
    ]
    for strength in strengths {
      let sampler = TeacherSampler(teacher: teacher, guidance: Guidance(cfg: strength))
      rows.append(try evaluation.row("teacher, cfg \(strength)", sampler, classCount: classes))
    }
    let tokens = try TokenSet.encode(Shapes32(.train), limit: Self.frequencyImages) {
      teacher.encode(images_BhwC: $0)
    }
    let independent = IndependentSampler(teacher: teacher, tokens: tokens)
    rows.append(try evaluation.row("independent positions", independent, classCount: classes))
    for path in try checkpoints.isEmpty ? bundledGenerators() : checkpoints {
      let loaded = try GeneratorFile.read(path, teacher: file)
      let sampler = GeneratorSampler(generator: loaded.generator, teacher: teacher)
      rows.append(try evaluation.row("one step, \(path)", sampler, classCount: classes))
    }
    return rows
  }

  /// The generator that comes with a bundled teacher; none for another one.
  private func bundledGenerators() throws -> [String] {
    let bundled = BundledModels.teachers.first { $0.name == teacher.teacher ?? BundledModels.teachers[0].name }
    return try bundled.map { [try BundledModels.path(of: $0.generator)] } ?? []
  }

  private func show(_ rows: [EvaluationRow]) throws {
    guard !json else { return try Console.result(json: rows) }
    try Console.result("| method | calls | images/s | FID (shapes32 features, not Inception) |")
    try Console.result("| --- | --- | --- | --- |")
    for row in rows {
      let calls = row.callsPerImage.map(String.init) ?? ""
      let speed = row.imagesPerSecond.map { String(format: "%.0f", $0) } ?? ""
      try Console.result("| \(row.method) | \(calls) | \(speed) | \(String(format: "%.2f", row.fid)) |")
    }
  }
}
