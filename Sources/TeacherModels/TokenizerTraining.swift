import DD2Teacher
import Datasets
import NN
import TensorCore
import Training

/// Trains the small classifier whose features the tokenizer's loss compares.
public final class PerceptualTraining: TrainingStage {
  public let name = "perceptual"
  public var totalSteps: Int { settings.steps }
  /// The network being trained.
  public let network: PerceptualNetwork
  private let settings: TrainingSettings
  private let batches: TrainingBatches
  private let trainer: NetworkTrainer

  /// A stage at its beginning.
  public init(data: any ImageSource, settings: TrainingSettings, seed: UInt64) {
    network = PerceptualNetwork(classCount: data.classNames.count, seed: seed)
    self.settings = settings
    trainer = NetworkTrainer(network.parameters, settings.optimizer, settings.schedule)
    batches = TrainingBatches(data, batch: settings.batch, stepCount: settings.steps, seed: seed &+ 1)
  }

  public func step(_ index: Int) throws -> [(String, Double)] {
    let batch = try batches.batch(step: index)
    let logits = network.logits(batch.images)
    let loss = crossEntropy(logits, targets: IndexTensor(batch.labels, [batch.labels.count])).mean()
    let correct = zip(logits.argmax().values, batch.labels).count { $0 == $1 }
    let norm = try trainer.minimize(loss)
    return [
      ("loss", Double(loss.item)), ("accuracy", Double(correct) / Double(batch.labels.count)),
      ("gradient_norm", Double(norm)),
    ]
  }

  public func state() -> StageState { state(of: trainer) }
  public func restore(_ state: StageState) throws { try restore(state, into: trainer) }
}

/// Trains a teacher's tokenizer.
public final class TokenizerTraining: TrainingStage {
  public let name = "tokenizer"
  public var totalSteps: Int { settings.steps }
  /// The tokenizer being trained.
  public let tokenizer: any TrainableTokenizer
  private let perceptual: PerceptualNetwork
  private let weights: TokenizerLossWeights
  private let settings: TrainingSettings
  private let batches: TrainingBatches
  private let seed: UInt64
  private let trainer: NetworkTrainer
  private let average: ExponentialMovingAverage
  private var usage: CodeUsage

  /// The use of codes in checkpoints.
  private static let usageName = "code_usage"
  /// Steps between restarts of unused codes.
  private static let restartInterval = 20
  /// Codes below this many tokens per batch count as unused.
  private static let usageThreshold: Float = 0.5

  /// A stage at its beginning.
  public init(
    _ tokenizer: any TrainableTokenizer, perceptual: PerceptualNetwork, weights: TokenizerLossWeights,
    data: any ImageSource, settings: TrainingSettings, seed: UInt64
  ) {
    self.tokenizer = tokenizer
    self.perceptual = perceptual
    self.weights = weights
    self.settings = settings
    self.seed = seed
    trainer = NetworkTrainer(tokenizer.parameters, settings.optimizer, settings.schedule)
    average = ExponentialMovingAverage(tokenizer.parameters)
    batches = TrainingBatches(data, batch: settings.batch, stepCount: settings.steps, seed: seed &+ 1)
    usage = CodeUsage(vocabulary: tokenizer.embedding.shape[0])
  }

  public func step(_ index: Int) throws -> [(String, Double)] {
    let images = try batches.batch(step: index).images
    let pass = tokenizer.trainingPass(images_BhwC: images, perceptual: perceptual, weights: weights)
    let norm = try trainer.minimize(pass.loss)
    usage.record(pass.ids)
    var restarted = 0
    // The last third is left in peace, so that every code settles.
    if index % Self.restartInterval == 0, index < settings.steps * 2 / 3 {
      var stream = RandomStream(seed: seed, purpose: "tokenizer.restart", step: index)
      restarted = usage.restart(
        embedding_VD: tokenizer.embedding, queries: pass.queries, threshold: Self.usageThreshold, stream: &stream)
    }
    average.update(decay: settings.averagingDecay(afterUpdates: index + 1))
    return [
      ("loss", Double(pass.loss.item)), ("reconstruction_mse", Double(pass.reconstructionError.item)),
      ("codebook_use", usage.usedFraction(threshold: Self.usageThreshold)), ("restarted_codes", Double(restarted)),
      ("gradient_norm", Double(norm)),
    ]
  }

  /// The averaged weights: what the teacher file gets.
  public var averagedState: StateDict { average.stateDict() }

  public func state() -> StageState {
    var state = state(of: trainer, ema: average)
    state.optimizer[Self.usageName] = Tensor(usage.averages, [usage.averages.count])
    return state
  }

  public func restore(_ state: StageState) throws {
    guard let saved = state.optimizer[Self.usageName], saved.count == usage.averages.count else {
      throw StateDictError.mismatch(missing: [Self.usageName], unexpected: [], misshapen: [])
    }
    usage = CodeUsage(averages: saved.elements)
    var rest = state
    rest.optimizer = state.optimizer.filter { $0 != Self.usageName }
    try restore(rest, into: trainer, ema: average)
  }
}
