import Backbone
import DD2Generator
import DD2Teacher
import Datasets
import NN
import Training

/// How the generator starts before stage 2.
public enum WarmStart: String, Codable, CaseIterable, Sendable {
  /// From stage 1 alone, as in the paper.
  case none
  /// From a regression on (noise, tokens) pairs.
  case pairs
}

/// How the generator is trained.
public enum DistillationMethod: String, Codable, CaseIterable, Sendable {
  /// Conditional score distillation (arXiv 2510.21003).
  case dd2
  /// Regression on pairs alone (arXiv 2412.17153), the baseline.
  case dd1
}

/// Which networks of stage 2 start with random weights in place of stage 1's: the paper's ablation.
public enum RandomStart: String, Codable, CaseIterable, Sendable {
  case none, generator, score, both

  var includesGenerator: Bool { self == .generator || self == .both }
  var includesScore: Bool { self == .score || self == .both }
}

/// What the score network reads of the tokens before the one that it scores. The teacher reads tokens in any case.
public enum PrefixForm: String, Codable, CaseIterable, Sendable {
  /// The codes nearest to the generator's latents.
  case snapped
  /// The latents as they are.
  case continuous
}

/// All settings of a distillation run. What is written to `config.json` reproduces the run.
public struct DistillationConfiguration: Codable, Equatable, Sendable {
  /// Generator updates: of stage 2, or of DD1's regression.
  public var steps: Int
  /// How the generator is trained.
  public var method = DistillationMethod.dd2
  /// Everything random.
  public var seed: UInt64 = 1
  /// Where the images come from, for the record.
  public var data = "shapes32"
  /// What they are; nil for the built-in ones.
  public var images: ImageSetRecord?
  /// Training images whose tokens stage 1 sees.
  public var trainingImages = 10_000
  /// Sequences per update, in every stage.
  public var batch = 24
  /// Noise levels per token (K).
  public var noiseLevels = 4
  /// Shapes the teacher's distribution in all stages: the generator learns the guided one.
  public var guidance = Guidance()
  /// The denoising head of both networks.
  public var head = DenoisingHeadConfiguration()
  /// How the generator departs from the network of stage 1.
  public var adaptation = GeneratorAdaptation(noiseGain: 0.7, parts: 3)
  /// Updates of stage 1.
  public var stage1Steps = 50
  /// The last checkpoint of another run's stage 1, which is taken in place of training one.
  public var stage1File: RecordedFile?
  /// Learning rate of stage 1.
  public var stage1LearningRate: Float = 2e-4
  /// How the generator starts.
  public var warmStart = WarmStart.none
  /// The generator that stage 2 starts from, in place of a warm start.
  public var startFile: RecordedFile?
  /// Networks of stage 2 that do not start from stage 1.
  public var randomStart = RandomStart.none
  /// Pairs of the warm start, of DD1 and of the regression beside the distillation (`regressionWeight`).
  public var pairs = 16_000
  /// The generator that draws the pairs' tokens, in place of the teacher's flow.
  public var pairsFile: RecordedFile?
  /// Heun steps from noise to token when pairs are made.
  public var pairIntegrationSteps = 16
  /// Updates of the warm start's regression.
  public var warmStartSteps = 1600
  /// Learning rate of the regression on pairs, in the warm start and in DD1.
  public var regressionLearningRate: Float = 1e-3
  /// Weight of the tokens' cross-entropy beside the squared distance in the regression.
  public var regressionCrossEntropy: Float = 1
  /// Share of the regression's batch that begins with the first half of the stages given.
  public var prefixShare: Float = 0
  /// Weight of the regression on pairs beside the distillation in stage 2; 0 for none. Yin et al. (DMD, arXiv 2311.18828)
  /// hold their generator to its pairs in this way.
  public var regressionWeight: Float = 0
  /// Form of the generator's loss; the default is the paper's, which also measured better with VAR (docs/results.md).
  public var loss = DistillationLoss.sid
  /// Weight of the squared difference in the SiD form.
  public var alpha: Float = 1
  /// Peak learning rate of the generator.
  public var generatorLearningRate: Float = 1e-4
  /// Generator updates at the peak rate, before it falls with the inverse square root of their number; 0 for no fall.
  public var generatorHold = 0
  /// Learning rate of the score network.
  public var scoreLearningRate: Float = 4e-4
  /// Score updates per generator update.
  public var scoreUpdates = 4
  /// Score updates in the first rounds, while the score network catches up.
  public var firstScoreUpdates = 10
  /// How many rounds count as first.
  public var firstRounds = 6
  /// Range of the times t at which scores are compared. Below the default's lower end a noised token mostly gives its
  /// code away, and both scores agree.
  public var timeRange: ClosedRange<Float> = 0.3...0.98
  /// How the times lie in their range.
  public var timeDistribution = TimeDistribution.uniform
  /// What the score network reads of earlier tokens.
  public var prefixes = PrefixForm.snapped
  /// Decay of the averaged generator.
  public var emaDecay: Float = 0.98
  /// How slowly the decay rises to it: n / (n + ramp) after n updates, so that about the last share 1 / ramp of the run
  /// is averaged.
  public var emaRamp: Float = 3
  /// Generator updates between picture grids.
  public var snapshotInterval = 25
  /// Generator updates between FID evaluations; 0 for none.
  public var evaluationInterval = 50
  /// Images of an evaluation.
  public var evaluationCount = 2000
  /// The statistics that the run's FID is measured against, by name or path; nil for those of the built-in data.
  public var reference: RecordedFile?
  /// The weights of the reference's feature network, where they are not in their usual place.
  public var referenceWeights: RecordedFile?
  /// Updates between checkpoints.
  public var checkpointInterval = 50

  /// Most score updates of a round: their random draws are told apart by less than this number.
  public static let mostScoreUpdates = 1024

  /// Default settings for the given number of generator updates.
  public init(steps: Int) { self.steps = steps }

  /// Decay of the averaged generator after a number of updates: shorter at first, where weights change fast.
  func averagingDecay(afterUpdates count: Int) -> Float { min(emaDecay, Float(count) / (Float(count) + emaRamp)) }

  /// Rows of the regression's batch whose first stages are given.
  public var givenRows: Int { Int((Float(batch) * prefixShare).rounded()) }

  /// The images of a data set whose tokens stage 1 sees, in order: drawn from all, as folders are sorted by class.
  func trainingIndices(of count: Int) -> [Int] {
    guard trainingImages < count else { return Array(0..<count) }
    var sampler = BatchSampler(count: count, batchSize: trainingImages, seed: seed)
    return sampler.indices(step: 0).sorted()
  }

  /// Adam in stage 2: no momentum, as is usual where two networks chase each other.
  var stage2Optimizer: AdamWConfiguration { AdamWConfiguration(beta1: 0, beta2: 0.99, clipNorm: 1) }

  /// Learning rate of the generator against step: a short warm-up, then constant or falling without a set end, so that a
  /// run can be prolonged.
  var generatorSchedule: LearningRateSchedule {
    LearningRateSchedule(
      peak: generatorLearningRate, warmUpSteps: 5, totalSteps: max(1, generatorHold),
      shape: generatorHold > 0 ? .inverseSquareRoot : .constant)
  }
}
