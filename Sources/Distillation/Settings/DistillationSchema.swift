import Backbone
import DD2Generator
import Datasets

/// How the generator is trained.
public enum DistillationMethod: String, CaseIterable, SettingValue {
  /// Conditional score distillation (DD2, arXiv 2510.21003).
  case dd2
  /// Regression on pairs of noise and tokens alone (DD1, arXiv 2412.17153), the baseline.
  case dd1
}

extension DistillationLoss: SettingValue {}
extension DenoisingEstimate: SettingValue {}

extension SettingCondition {
  static let dd2 = SettingCondition(text: "method dd2") { $0.method == .dd2 }
  static let sid = SettingCondition(text: "method dd2 and stage2.loss sid") { $0.method == .dd2 && $0.loss == .sid }
  static let freshPosterior = SettingCondition(text: "head.estimate posterior, and no start, whose file says") {
    $0.headEstimate == .posterior && $0.start == nil
  }
  static let pairs = SettingCondition(text: "warm_start.steps or stage2.regression_weight above 0") { $0.usesPairs }
  static let warmStart = SettingCondition(text: "method dd2, warm_start.steps above 0 and no start") {
    $0.method == .dd2 && $0.warmStartSteps > 0 && $0.start == nil
  }
  static let regression = SettingCondition(text: "method dd1, or warm_start.steps above 0 and no start") {
    $0.method == .dd1 || warmStart.holds($0)
  }
  static let chain = SettingCondition(text: "a chain: chain.parts above 0, pairs that are used, and method dd2") {
    $0.usesChain
  }
  static let fresh = SettingCondition(text: "no start, whose file says") { $0.start == nil }
}

extension SettingRange<String?> {
  static let crops = SettingRange(text: (CropChoice.allCases.map(\.rawValue) + ["null"]).joined(separator: " or ")) {
    $0.map { CropChoice(rawValue: $0) != nil } ?? true
  }
}

/// All settings of a distillation, each defined here and nowhere else, in the order in which files list them.
public struct DistillationSchema: Sendable {
  public let steps = SettingKey(
    "steps", 60, .atLeast(0), "Updates of the generator: of stage 2, or of dd1's regression.")
  public let method = SettingKey(
    "method", DistillationMethod.dd2, "dd2: conditional score distillation; dd1: regression on pairs alone.")
  public let teacher = SettingKey(
    "teacher", String?.none, "The teacher: a bundled one or a file; null: the preset's, else shapes32-var.")
  public let data = SettingKey(
    "data", String?.none,
    "The images that stage 1 learns from: shapes32, a folder of images (a subfolder per class), or teacher: none, the "
      + "teacher draws what it learns; null: shapes32 for a teacher of these, else teacher.", needs: .dd2)
  public let tokens = SettingKey(
    "tokens", String?.none, "Tokens of 'dd2 teacher encode' that stage 1 learns, in place of images.", needs: .dd2)
  public let classes = SettingKey(
    "classes", String?.none,
    "Which folder is which class, where that is not clear: text, numbers, or a file of names and numbers.",
    needs: .dd2)
  public let crop = SettingKey(
    "crop", String?.none, .crops,
    "How images of other sizes become the teacher's: as VAR or ADM (LlamaGen) does; null: as the teacher saw its own.",
    needs: .dd2)
  public let start = SettingKey(
    "start", String?.none, "A generator of the same teacher that stage 2 starts from, in place of a warm start.",
    needs: .dd2)
  public let seed = SettingKey("seed", UInt64(1), "Seed of everything random.")
  public let batch = SettingKey("batch", 24, .within(1...65536), "Sequences per update, in every stage.")
  public let noiseLevels = SettingKey(
    "noise_levels", 4, .within(1...1000), "Noise levels per token and update (K).", needs: .dd2)

  public let microBatch = SettingKey(
    "memory.micro_batch", 0, .atLeast(0),
    "Sequences that go through a device's networks at once, a divisor of batch: gradients are added up, for the same "
      + "update in less memory; 0: all.")
  public let recomputes = SettingKey(
    "memory.recompute", false,
    "Blocks keep nothing for the backward pass but their input and compute the rest again: less memory, about a quarter "
      + "more arithmetic.")

  public let cfg = SettingKey(
    "guidance.cfg", Float(0), .within(0...1000), "Classifier-free guidance in the family's own convention; 0: none.")
  public let temperature = SettingKey(
    "guidance.temperature", Float(1), .atLeast(0.001), "Divides the teacher's logits.")
  public let topK = SettingKey("guidance.top_k", 0, .atLeast(0), "Keeps the k most likely tokens; 0 keeps all.")
  public let topP = SettingKey(
    "guidance.top_p", Float(1), .above(0, to: 1), "Keeps the most likely tokens up to this total probability.")

  public let headEstimate = SettingKey(
    "head.estimate", DenoisingEstimate.posterior,
    "What the head's MLP corrects: the teacher's closed-form posterior, or (linear, the paper's) the noised latent alone.",
    needs: .fresh)
  public let headWidth = SettingKey(
    "head.width", 256, .within(1...65536), "Width of the MLP's hidden layers.", needs: .fresh)
  public let headDepth = SettingKey("head.depth", 2, .within(0...1000), "Its residual blocks.", needs: .fresh)

  public let parts = SettingKey(
    "generator.parts", 1, .atLeast(1),
    "An experiment: networks that draw one after the other, each a part of the tokens; 1 is the one-step generator.",
    needs: .fresh)
  public let noiseGain = SettingKey(
    "generator.noise_gain", Float(0.7), .atLeast(0),
    "Where the learned gain of a token's own noise in its logits starts; 0: no gain.", needs: .freshPosterior)

  public let stage1Steps = SettingKey(
    "stage1.steps", 50, .atLeast(1), "Updates; a guided teacher wants 200.", needs: .dd2)
  public let stage1LearningRate = SettingKey(
    "stage1.learning_rate", Float(2e-4), .above(0), "Peak learning rate.", needs: .dd2)
  public let trainingImages = SettingKey(
    "stage1.images", 10_000, .atLeast(1),
    "Images whose tokens it learns; where the teacher draws them, no more than the updates see.", needs: .dd2)

  public let pairs = SettingKey("pairs.count", 16_000, .atLeast(1), "Pairs of noise and tokens.", needs: .pairs)
  public let pairIntegrationSteps = SettingKey(
    "pairs.integration_steps", 16, .within(1...1000), "Heun steps of the teacher's probability flow, per token.",
    needs: .pairs)

  public let chainParts = SettingKey(
    "chain.parts", 0, .atLeast(0),
    "Networks of a chain that is distilled first and then draws the pairs' tokens; 0: the teacher's flow draws them.",
    needs: .pairs)
  public let chainWarmStartSteps = SettingKey(
    "chain.warm_start_steps", 600, .atLeast(0), "Updates of the chain's own warm start.", needs: .chain)
  public let chainSteps = SettingKey(
    "chain.steps", 80, .atLeast(0), "Updates of the chain in its stage 2.", needs: .chain)
  public let chainScoreLearningRate = SettingKey(
    "chain.score_learning_rate", Float(4e-4), .above(0), "Learning rate of the chain's score network.", needs: .chain)

  public let warmStartSteps = SettingKey(
    "warm_start.steps", 1600, .atLeast(0), "Updates of the regression on pairs before stage 2; 0: none.", needs: .dd2)
  public let regressionLearningRate = SettingKey(
    "warm_start.learning_rate", Float(1e-3), .above(0), "Peak learning rate of that regression, and of dd1's.",
    needs: .regression)

  public let loss = SettingKey(
    "stage2.loss", DistillationLoss.sid, "Form of the generator's loss: sid (the paper's) or dmd.", needs: .dd2)
  public let alpha = SettingKey(
    "stage2.alpha", Float(1), .atLeast(0), "Weight of the squared difference of scores in the sid form.", needs: .sid)
  public let minTime = SettingKey(
    "stage2.min_time", Float(0.3), .above(0, to: 1), "Smallest time at which scores are compared.", needs: .dd2)
  public let maxTime = SettingKey(
    "stage2.max_time", Float(0.98), .above(0, to: 1), "Largest time at which scores are compared.", needs: .dd2)
  public let generatorLearningRate = SettingKey(
    "stage2.generator_learning_rate", Float(1e-4), .above(0), "Peak learning rate of the generator.", needs: .dd2)
  public let generatorConstantSteps = SettingKey(
    "stage2.generator_constant_steps", 0, .atLeast(0),
    "Updates at that rate before it falls with the inverse square root of their number; 0: it stays.", needs: .dd2)
  public let scoreLearningRate = SettingKey(
    "stage2.score_learning_rate", Float(4e-4), .above(0), "Learning rate of the score network.", needs: .dd2)
  public let scoreUpdates = SettingKey(
    "stage2.score_updates", 4, .within(1...1024), "Updates of the score network per update of the generator.",
    needs: .dd2)
  public let firstScoreUpdates = SettingKey(
    "stage2.first_score_updates", 10, .within(1...1024),
    "The same in the first rounds, while the score network catches up; never fewer than later.", needs: .dd2)
  public let firstRounds = SettingKey(
    "stage2.first_rounds", 6, .atLeast(0), "Updates of the generator that count as first.", needs: .dd2)
  public let regressionWeight = SettingKey(
    "stage2.regression_weight", Float(0), .atLeast(0),
    "Weight of the regression on pairs that goes on beside the loss, as in DMD; 0: none.", needs: .dd2)

  public let emaDecay = SettingKey(
    "average.decay", Float(0.98), .from(0, below: 1), "Largest decay of the averaged generator's weights.")
  public let emaRamp = SettingKey(
    "average.ramp", Float(9), .above(0),
    "The decay is n / (n + ramp) after n updates, an average over about the last 1 / ramp of the run.")

  public let reference = SettingKey(
    "fid.reference", String?.none,
    "What FID is measured against: shapes32, imagenet256 or a file of 'dd2 ref build'; null: shapes32 for its images.")
  public let referenceWeights = SettingKey(
    "fid.weights", String?.none, "The weights of the reference's feature network, where not in their usual place.")
  public let evaluationInterval = SettingKey(
    "fid.every", 50, .atLeast(0), "Updates of the generator between measurements of FID; 0: none.")
  public let evaluationCount = SettingKey("fid.count", 2000, .atLeast(2), "Images of a measurement.")

  public let snapshotInterval = SettingKey(
    "output.snapshot_every", 25, .atLeast(0), "Updates between pictures of samples, also after the last; 0: none.")
  public let checkpointInterval = SettingKey("output.checkpoint_every", 50, .atLeast(1), "Updates between checkpoints.")

  /// What the settings of a group are about.
  static let groups = [
    "memory": "What an update keeps in memory; its result is the same but for rounding.",
    "guidance": "How the teacher's distribution is shaped: the generator learns the shaped one.",
    "head": "The denoising head of generator and score network.",
    "generator": "The generator.",
    "stage1": "Stage 1: the teacher's network with the denoising head learns the teacher's closed-form posterior.",
    "pairs": "Pairs of noise and tokens, for the warm start, for dd1 and for stage2.regression_weight.",
    "chain":
      "A chain of networks whose pairs the generator learns: LlamaGen's teacher is too hard to learn from at once.",
    "warm_start": "Warm start: the generator regresses the pairs' tokens from their noise.",
    "stage2": "Stage 2: conditional score distillation.",
    "average": "The moving average of the generator's weights, which is what is kept and sampled.",
    "fid": "FID while the run goes on; the generator that scores best is kept as best.h5.",
    "output": "What the run writes, and how often.",
  ]
}
