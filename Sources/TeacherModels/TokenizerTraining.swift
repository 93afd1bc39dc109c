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
    batches = TrainingBatches(data, settings, seed: seed &+ 1)
  }

  public func step(_ index: Int) throws -> StepMetrics {
    let batch = try batches.batch(step: index)
    return Backends.step {
      let (images, labels) = batch.ofReplicas
      let logits = network.logits(images)
      let loss = crossEntropy(logits, targets: labels).mean()
      let report = trainer.minimize(loss)
      return StepMetrics([
        ("loss", .number(loss)), ("accuracy", .number(logits.argmax().equals(labels).mean())),
      ]).summedOverReplicas() + StepMetrics([("gradient_norm", .number(report.norm))], updates: [report])
    }
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
  private let usage: CodeUsage

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
    batches = TrainingBatches(data, settings, seed: seed &+ 1)
    usage = CodeUsage(vocabulary: tokenizer.embedding.shape[0])
  }

  public func step(_ index: Int) throws -> StepMetrics {
    let batch = try batches.batch(step: index)
    return Backends.step {
      let pass = tokenizer.trainingPass(images_BhwC: batch.ofReplicas.images, perceptual: perceptual, weights: weights)
      let report = trainer.minimize(pass.loss)
      usage.record(pass.ids)
      // The last third is left in peace, so that every code settles.
      let restarts = index % Self.restartInterval == 0 && index < settings.steps * 2 / 3
      let restarted =
        restarts
        ? usage.restart(
          embedding_VD: tokenizer.embedding, queries: pass.queries, threshold: Self.usageThreshold, seed: seed,
          step: RandomCounter(index))
        : Tensor(repeating: 0, [])
      average.update(decay: settings.averagingDecay(afterUpdates: index + 1), after: report)
      let losses = StepMetrics([
        ("loss", .number(pass.loss)), ("reconstruction_mse", .number(pass.reconstructionError)),
      ])
      return losses.summedOverReplicas()
        + StepMetrics(
          [
            ("codebook_use", .number(usage.usedFraction(threshold: Self.usageThreshold))),
            ("restarted_codes", .number(restarted)), ("gradient_norm", .number(report.norm)),
          ], updates: [report])
    }
  }

  /// The averaged weights, which change with the next step: what the teacher file gets.
  public var averagedState: StateDict { average.current }

  public func state() -> StageState {
    var state = state(of: trainer, ema: average)
    state.optimizer[Self.usageName] = usage.averages_V
    return state
  }

  public func restore(_ state: StageState) throws {
    guard let saved = state.optimizer[Self.usageName], saved.shape == usage.averages_V.shape else {
      throw StateDictError.mismatch(missing: [Self.usageName], unexpected: [], misshapen: [])
    }
    usage.averages_V.assign(saved)
    var rest = state
    rest.optimizer = state.optimizer.filter { $0 != Self.usageName }
    try restore(rest, into: trainer, ema: average)
  }
}

extension TrainingBatches {
  /// The rows of this process's replicas in the batches of a stage.
  fileprivate convenience init(_ data: any ImageSource, _ settings: TrainingSettings, seed: UInt64) {
    let pass = BatchPlan(batch: settings.batch).passes[0]
    self.init(data, batch: settings.batch, rows: pass.rows, stepCount: settings.steps, seed: seed)
  }
}
