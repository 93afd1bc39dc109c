import DD2Teacher
import NN
import TensorCore
import Training

/// Trains a teacher's transformer on tokens.
public final class TransformerTraining: TrainingStage {
  public let name = "transformer"
  public var totalSteps: Int { settings.steps }
  /// The transformer being trained.
  public let transformer: any TrainableTransformer
  private let tokens: TokenSource
  private let settings: TrainingSettings
  private let seed: UInt64
  private let trainer: NetworkTrainer
  private let average: ExponentialMovingAverage

  /// Part of the labels that are replaced by 'no class', for classifier-free guidance.
  private static let classDropout: Float = 0.1

  /// A stage at its beginning.
  public init(
    _ transformer: any TrainableTransformer, tokens: TokenSource, settings: TrainingSettings, seed: UInt64
  ) {
    self.transformer = transformer
    self.tokens = tokens
    self.settings = settings
    self.seed = seed
    trainer = NetworkTrainer(transformer.parameters, settings.optimizer, settings.schedule)
    average = ExponentialMovingAverage(transformer.parameters)
  }

  public func step(_ index: Int) throws -> StepMetrics {
    let batch = try tokens.batch(step: index, size: settings.batch, seed: seed &+ 1).tokens
    return Backends.step {
      let (B, ids, labels) = (batch.count, IndexTensor(batch.ids), IndexTensor(batch.labels))
      let uniform_B = RandomNumbers(
        seed: seed, purpose: "transformer.class_dropout", step: RandomCounter(index)
      ).uniform([1, B]).reshaped([B])
      let isDropped_B = uniform_B.isLess(than: Tensor(repeating: Self.classDropout, [B]))
      let shown = labels.replaced(
        by: IndexTensor(repeating: transformer.classCount, [B]), where: isDropped_B)
      let loss = crossEntropy(transformer.logits(ids_BL: ids, labels: shown), targets: ids).mean()
      let report = trainer.minimize(loss)
      average.update(decay: settings.averagingDecay(afterUpdates: index + 1), after: report)
      return StepMetrics(
        [
          ("cross_entropy", .number(loss)), ("perplexity", .number(loss.stopGradient().exp())),
          ("gradient_norm", .number(report.norm)),
        ], updates: [report])
    }
  }

  /// The averaged weights, which change with the next step: what the teacher file gets.
  public var averagedState: StateDict { average.current }

  public func state() -> StageState { state(of: trainer, ema: average) }
  public func restore(_ state: StageState) throws { try restore(state, into: trainer, ema: average) }
}
