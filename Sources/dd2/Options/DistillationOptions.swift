import ArgumentParser
import DD2Generator
import Distillation

extension WarmStart: ExpressibleByArgument {}
extension DistillationLoss: ExpressibleByArgument {}

/// The settings of a distillation that can be given on the command line; what is not given keeps its default, or, in a
/// resumed run, the run's own value.
struct DistillationOptions: ParsableArguments {
  private static let defaults = DistillationConfiguration(steps: 0)

  @Option(parsing: .unconditional, help: "Seed of everything random (default: \(defaults.seed)).")
  var seed: UInt64?

  @Option(
    name: .customLong("stage1-steps"), parsing: .unconditional,
    help: "Updates of stage 1 (default: \(defaults.stage1Steps)).")
  var stage1Steps: Int?

  @Option(help: "How the generator starts (default: \(defaults.warmStart.rawValue)).")
  var warmStart: WarmStart?

  @Option(parsing: .unconditional, help: "Teacher-made pairs of the warm start (default: \(defaults.pairs)).")
  var pairs: Int?

  @Option(
    parsing: .unconditional, help: "Updates of the warm start's regression (default: \(defaults.warmStartSteps)).")
  var warmStartSteps: Int?

  @Option(
    name: .customLong("warm-start-lr"), parsing: .unconditional,
    help: "Learning rate of the warm start's regression (default: \(defaults.warmStartLearningRate)).")
  var warmStartLearningRate: Float?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Weight of the tokens' cross-entropy beside the squared distance in the warm start "
        + "(default: \(defaults.warmStartCrossEntropy))."))
  var warmStartCrossEntropy: Float?

  @Option(
    parsing: .unconditional, help: "Training images whose tokens stage 1 sees (default: \(defaults.trainingImages)).")
  var trainingImages: Int?

  @Option(help: "Form of the generator's loss (default: \(defaults.loss.rawValue)).")
  var loss: DistillationLoss?

  @Option(
    parsing: .unconditional,
    help: "Weight of the squared difference in the sid form (default: \(defaults.alpha)).")
  var alpha: Float?

  @Option(parsing: .unconditional, help: "Sequences per update (default: \(defaults.batch)).")
  var batch: Int?

  @Option(parsing: .unconditional, help: "Noise levels per token (default: \(defaults.noiseLevels)).")
  var noiseLevels: Int?

  @Option(
    parsing: .unconditional,
    help: "Smallest time at which scores are compared (default: \(defaults.timeRange.lowerBound)).")
  var minTime: Float?

  @Option(
    parsing: .unconditional,
    help: "Largest time at which scores are compared (default: \(defaults.timeRange.upperBound)).")
  var maxTime: Float?

  @Option(
    parsing: .unconditional, help: "Score updates per generator update (default: \(defaults.scoreUpdates)).")
  var scoreUpdates: Int?

  @Option(
    name: .customLong("generator-lr"), parsing: .unconditional,
    help: "Learning rate of the generator (default: \(defaults.generatorLearningRate)).")
  var generatorLearningRate: Float?

  @Option(
    name: .customLong("score-lr"), parsing: .unconditional,
    help: "Learning rate of the score network (default: \(defaults.scoreLearningRate)).")
  var scoreLearningRate: Float?

  @Option(parsing: .unconditional, help: "Decay of the averaged generator (default: \(defaults.emaDecay)).")
  var ema: Float?

  @Option(
    parsing: .unconditional,
    help: "Generator updates between picture grids (default: \(defaults.snapshotInterval)).")
  var snapshotEvery: Int?

  @Option(
    parsing: .unconditional,
    help: "Generator updates between FID measurements, 0 for none (default: \(defaults.evaluationInterval)).")
  var evaluateEvery: Int?

  @Option(
    parsing: .unconditional, help: "Updates between checkpoints (default: \(defaults.checkpointInterval)).")
  var checkpointEvery: Int?

  func validate() throws {
    try Requirement.positive(stage1Steps, "--stage1-steps")
    try Requirement.positive(pairs, "--pairs")
    try Requirement.positive(warmStartSteps, "--warm-start-steps")
    try Requirement.positive(warmStartLearningRate, "--warm-start-lr")
    try Requirement.atLeast(0, warmStartCrossEntropy, "--warm-start-cross-entropy")
    try Requirement.positive(minTime, "--min-time")
    try Requirement.positive(trainingImages, "--training-images")
    try Requirement.atLeast(0, alpha, "--alpha")
    try Requirement.positive(batch, "--batch")
    try Requirement.positive(noiseLevels, "--noise-levels")
    try Requirement.positive(scoreUpdates, "--score-updates")
    try Requirement.positive(generatorLearningRate, "--generator-lr")
    try Requirement.positive(scoreLearningRate, "--score-lr")
    try Requirement.atLeast(0, ema, "--ema")
    if let ema, ema >= 1 { throw ValidationError("--ema is \(ema); give less than 1") }
    try Requirement.positive(snapshotEvery, "--snapshot-every")
    try Requirement.atLeast(0, evaluateEvery, "--evaluate-every")
    try Requirement.positive(checkpointEvery, "--checkpoint-every")
  }

  /// `base` with what was given on the command line in its place.
  /// - Throws: `ValidationError` for an option without effect under the other settings.
  func applied(to base: DistillationConfiguration) throws -> DistillationConfiguration {
    var settings = base
    Self.set(&settings.seed, seed)
    Self.set(&settings.stage1Steps, stage1Steps)
    Self.set(&settings.warmStart, warmStart)
    Self.set(&settings.pairs, pairs)
    Self.set(&settings.warmStartSteps, warmStartSteps)
    Self.set(&settings.warmStartLearningRate, warmStartLearningRate)
    Self.set(&settings.warmStartCrossEntropy, warmStartCrossEntropy)
    Self.set(&settings.trainingImages, trainingImages)
    Self.set(&settings.loss, loss)
    Self.set(&settings.alpha, alpha)
    Self.set(&settings.batch, batch)
    Self.set(&settings.noiseLevels, noiseLevels)
    settings.timeRange = try Self.timeRange(minTime ?? base.timeRange.lowerBound, maxTime ?? base.timeRange.upperBound)
    Self.set(&settings.scoreUpdates, scoreUpdates)
    // The first rounds are there to let the score network catch up: they never make fewer updates than the others.
    settings.firstScoreUpdates = max(settings.firstScoreUpdates, settings.scoreUpdates)
    Self.set(&settings.generatorLearningRate, generatorLearningRate)
    Self.set(&settings.scoreLearningRate, scoreLearningRate)
    Self.set(&settings.emaDecay, ema)
    Self.set(&settings.snapshotInterval, snapshotEvery)
    Self.set(&settings.evaluationInterval, evaluateEvery)
    Self.set(&settings.checkpointInterval, checkpointEvery)
    let isGiven = pairs != nil || warmStartSteps != nil || warmStartLearningRate != nil || warmStartCrossEntropy != nil
    if isGiven, settings.warmStart != .pairs {
      throw ValidationError("--pairs and the --warm-start-... settings need --warm-start pairs")
    }
    if alpha != nil, settings.loss != .sid { throw ValidationError("--alpha belongs to --loss sid") }
    return settings
  }

  private static func timeRange(_ low: Float, _ high: Float) throws -> ClosedRange<Float> {
    guard low < high, high <= 1 else {
      throw ValidationError("times from \(low) to \(high): give --min-time below --max-time, and at most 1")
    }
    return low...high
  }

  private static func set<Value>(_ target: inout Value, _ value: Value?) {
    if let value { target = value }
  }
}
