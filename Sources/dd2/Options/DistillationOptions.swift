import ArgumentParser
import Backbone
import DD2Generator
import Distillation

extension DenoisingEstimate: ExpressibleByArgument {}
extension WarmStart: ExpressibleByArgument {}
extension DistillationLoss: ExpressibleByArgument {}
extension DistillationMethod: ExpressibleByArgument {}
extension DistillationPreset: ExpressibleByArgument {}
extension RandomStart: ExpressibleByArgument {}
extension PrefixForm: ExpressibleByArgument {}
extension TimeDistribution: ExpressibleByArgument {}

/// The settings of a distillation that can be given on the command line; what is not given keeps its default, or, in a
/// resumed run, the run's own value.
struct DistillationOptions: ParsableArguments {
  private static let defaults = DistillationConfiguration(steps: 0)
  static let defaultPrefixShare: Float = 0.25

  @Option(
    help: ArgumentHelp(
      "Settings to begin with; the options below take precedence. Those of the published models are scaled from "
        + "shapes32's and untested (default: \(DistillationPreset.shapes32VAR.rawValue) for a VAR, "
        + "\(DistillationPreset.shapes32LlamaGen.rawValue) for a LlamaGen). The defaults below are the former's; "
        + "'settings' in a run's config.json has all."))
  var preset: DistillationPreset?

  @Option(parsing: .unconditional, help: "Seed of everything random (default: \(defaults.seed)).")
  var seed: UInt64?

  @Option(
    help: ArgumentHelp(
      "dd2, or dd1: regression on pairs alone, --steps long (default: \(defaults.method.rawValue))."))
  var method: DistillationMethod?

  @Option(
    name: .customLong("stage1-steps"), parsing: .unconditional,
    help: "Updates of stage 1 (default: \(defaults.stage1Steps)).")
  var stage1Steps: Int?

  @Option(
    name: .customLong("stage1-lr"), parsing: .unconditional,
    help: "Learning rate of stage 1 (default: \(defaults.stage1LearningRate)).")
  var stage1LearningRate: Float?

  @Option(
    name: .customLong("stage1-from"),
    help: ArgumentHelp(
      "A run of the same teacher, guidance and head whose stage 1 is taken in place of training one.", valueName: "dir")
  )
  var stage1From: String?

  @Option(
    parsing: .unconditional,
    help: "Layers of the generator behind the teacher's (default: \(defaults.adaptation.extraLayers)).")
  var extraLayers: Int?

  @Flag(
    inversion: .prefixedNo,
    help: "Every token of the generator sees the noise of all others, not of earlier ones alone (default: no).")
  var bidirectional: Bool?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Where the gain of a token's own noise in its logits starts, 0 for no gain "
        + "(default: \(defaults.adaptation.noiseGain))."))
  var noiseGain: Float?

  @Flag(
    inversion: .prefixedNo,
    help: "The generator's trunk reads a token's own noise beside that of earlier ones (default: yes).")
  var ownNoise: Bool?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Parts that the teacher's stages are cut into, each drawn by a network of its own that reads the parts before; 1 "
        + "is the paper's form (default: \(defaults.adaptation.parts))."))
  var parts: Int?

  @Option(
    name: .customLong("head"),
    help: ArgumentHelp(
      "What the denoising heads' network corrects: the teacher's closed-form posterior, or linear, the noised latent "
        + "alone, as in the paper, for which stage 1 has everything to learn (default: "
        + "\(defaults.head.estimate.rawValue))."))
  var headEstimate: DenoisingEstimate?

  @Option(
    parsing: .unconditional, help: "Width of the denoising heads' hidden layers (default: \(defaults.head.width)).")
  var headWidth: Int?

  @Option(parsing: .unconditional, help: "Residual blocks of the denoising heads (default: \(defaults.head.depth)).")
  var headDepth: Int?

  @Option(help: "How the generator starts (default: \(defaults.warmStart.rawValue)).")
  var warmStart: WarmStart?

  @Option(
    help: ArgumentHelp(
      "A generator of the same teacher to start stage 2 from, in place of a warm start: another run's, or dd1's.",
      valueName: "file"))
  var start: String?

  @Option(
    help: ArgumentHelp(
      "Networks of stage 2 that start with random weights: none, generator, score or both (default: "
        + "\(defaults.randomStart.rawValue); anything else is there to show that training then fails)."))
  var randomStart: RandomStart?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Pairs of noise and tokens for the warm start, dd1 or --regression-weight (default: \(defaults.pairs))."))
  var pairs: Int?

  @Option(
    help: ArgumentHelp(
      "A generator of the same teacher that draws the pairs' tokens, in place of the teacher's flow.",
      valueName: "file"))
  var pairsFrom: String?

  @Option(
    parsing: .unconditional, help: "Updates of the warm start's regression (default: \(defaults.warmStartSteps)).")
  var warmStartSteps: Int?

  @Option(
    name: .customLong("regression-lr"), parsing: .unconditional,
    help: "Learning rate of the regression on pairs (default: \(defaults.regressionLearningRate)).")
  var regressionLearningRate: Float?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Weight of the tokens' cross-entropy beside the squared distance in the regression "
        + "(default: \(defaults.regressionCrossEntropy))."))
  var regressionCrossEntropy: Float?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Weight of the regression on pairs that goes on beside stage 2's loss, 0 for none "
        + "(default: \(defaults.regressionWeight))."))
  var regressionWeight: Float?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Share of the regression's batch that goes on from given first stages, which dd1 samples in two steps with "
        + "(default: \(defaultPrefixShare) with dd1, else \(defaults.prefixShare))."))
  var prefixShare: Float?

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
    help: ArgumentHelp(
      "How the times lie between the two: uniform or logit-normal (default: \(defaults.timeDistribution.rawValue))."))
  var timeDistribution: TimeDistribution?

  @Option(
    help: ArgumentHelp(
      "What the score network reads of earlier tokens: snapped to their codes or continuous (default: "
        + "\(defaults.prefixes.rawValue))."))
  var prefixes: PrefixForm?

  @Option(
    parsing: .unconditional, help: "Score updates per generator update (default: \(defaults.scoreUpdates)).")
  var scoreUpdates: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Score updates in each of the first rounds, while the score network catches up; no fewer than in all others "
        + "(default: \(defaults.firstScoreUpdates))."))
  var firstScoreUpdates: Int?

  @Option(parsing: .unconditional, help: "How many rounds count as first (default: \(defaults.firstRounds)).")
  var firstRounds: Int?

  @Option(
    name: .customLong("generator-lr"), parsing: .unconditional,
    help: "Learning rate of the generator (default: \(defaults.generatorLearningRate)).")
  var generatorLearningRate: Float?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Generator updates at that rate, before it falls with the inverse square root of their number; 0 for no fall "
        + "(default: \(defaults.generatorHold))."))
  var generatorHold: Int?

  @Option(
    name: .customLong("score-lr"), parsing: .unconditional,
    help: "Learning rate of the score network (default: \(defaults.scoreLearningRate)).")
  var scoreLearningRate: Float?

  @Option(parsing: .unconditional, help: "Decay of the averaged generator (default: \(defaults.emaDecay)).")
  var ema: Float?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How slowly that decay is reached: n / (n + ramp) after n updates, an average over about the last 1 / ramp of "
        + "the run (default: \(defaults.emaRamp))."))
  var emaRamp: Float?

  @Option(
    parsing: .unconditional,
    help: "Generator updates between picture grids (default: \(defaults.snapshotInterval)).")
  var snapshotEvery: Int?

  @Option(
    parsing: .unconditional, help: "Updates between checkpoints (default: \(defaults.checkpointInterval)).")
  var checkpointEvery: Int?
}
