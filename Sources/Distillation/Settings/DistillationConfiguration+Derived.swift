import Backbone
import DD2Teacher
import Datasets
import NN
import Training

/// What several settings say together.
extension DistillationConfiguration {
  /// Settings of a run of a number of generator updates, else the defaults.
  public init(steps: Int) {
    self.init()
    self.steps = steps
  }

  /// How an update goes through its batch.
  var batchPlan: BatchPlan {
    BatchPlan(batch: self.batch, passSize: self.microBatch, recomputes: self.recomputes)
  }

  /// Shapes the teacher's distribution in all stages: the generator learns the shaped one.
  public var guidance: Guidance {
    get { Guidance(cfg: self.cfg, temperature: self.temperature, topK: self.topK, topP: self.topP) }
    set {
      (self.cfg, self.temperature) = (newValue.cfg, newValue.temperature)
      (self.topK, self.topP) = (newValue.topK, newValue.topP)
    }
  }

  /// The denoising head of both networks.
  public var head: DenoisingHeadConfiguration {
    get { DenoisingHeadConfiguration(estimate: self.headEstimate, width: self.headWidth, depth: self.headDepth) }
    set { (self.headEstimate, self.headWidth, self.headDepth) = (newValue.estimate, newValue.width, newValue.depth) }
  }

  /// How the generator departs from the network of stage 1.
  public var adaptation: GeneratorAdaptation {
    get { GeneratorAdaptation(noiseGain: self.noiseGain, parts: self.parts) }
    set { (self.noiseGain, self.parts) = (newValue.noiseGain, newValue.parts) }
  }

  /// Times at which scores are compared. Near 0 a noised token mostly gives its code away, and both scores agree.
  var timeRange: ClosedRange<Float> { self.minTime...self.maxTime }

  /// Whether a warm start comes before stage 2.
  var hasWarmStart: Bool { self.method == .dd2 && self.warmStartSteps > 0 && self.start == nil }

  /// Whether anything is learned from pairs.
  var usesPairs: Bool { self.method == .dd1 || hasWarmStart || self.regressionWeight > 0 }

  /// Whether a chain draws the pairs' tokens. DD1 learns those of the teacher's flow.
  var usesChain: Bool { self.method == .dd2 && usesPairs && self.chainParts > 0 }

  /// Settings of the chain's own distillation: those of the run but for what is the chain's alone.
  var chain: DistillationConfiguration {
    var settings = self
    settings.steps = self.chainSteps
    settings.parts = self.chainParts
    settings.warmStartSteps = self.chainWarmStartSteps
    settings.scoreLearningRate = self.chainScoreLearningRate
    settings.chainParts = 0
    settings.regressionWeight = 0
    settings.start = nil
    settings.evaluationInterval = 0
    settings.reference = nil
    settings.referenceWeights = nil
    return settings
  }

  /// Updates of the score network in the round of a generator update, counted from 0.
  func scoreUpdateCount(round: Int) -> Int {
    round < self.firstRounds ? max(self.firstScoreUpdates, self.scoreUpdates) : self.scoreUpdates
  }

  /// The value of `data` for sequences that the teacher draws itself.
  public static let ownSequences = "teacher"

  /// Whether stage 1 learns sequences that the teacher draws.
  var drawsOwnSequences: Bool { self.method == .dd2 && self.data == Self.ownSequences }

  /// Sequences for stage 1 where the teacher draws them: no more than its updates see.
  var ownSequenceCount: Int { min(self.trainingImages, self.stage1Steps * self.batch) }

  /// Decay of the averaged generator after a number of updates: shorter at first, where weights change fast.
  func averagingDecay(afterUpdates count: Int) -> Float {
    min(self.emaDecay, Float(count) / (Float(count) + self.emaRamp))
  }

  /// The images of a data set whose tokens stage 1 sees, in order: drawn from all, as folders are sorted by class.
  package func trainingIndices(of count: Int) -> [Int] {
    guard self.trainingImages < count else { return Array(0..<count) }
    var sampler = BatchSampler(count: count, batchSize: self.trainingImages, seed: self.seed)
    return sampler.indices(step: 0).sorted()
  }

  /// Adam in stage 2: no momentum, as is usual where two networks chase each other.
  var stage2Optimizer: AdamWConfiguration { AdamWConfiguration(beta1: 0, beta2: 0.99, clipNorm: 1) }

  /// Learning rate of the generator against step: a short warm-up, then constant or falling without a set end, so that a
  /// run can be prolonged.
  var generatorSchedule: LearningRateSchedule {
    LearningRateSchedule(
      peak: self.generatorLearningRate, warmUpSteps: 5, totalSteps: max(1, self.generatorConstantSteps),
      shape: self.generatorConstantSteps > 0 ? .inverseSquareRoot : .constant)
  }
}
