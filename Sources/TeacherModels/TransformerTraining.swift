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
    let pass = BatchPlan(batch: settings.batch).passes[0]
    return Backends.step {
      let (ids, labels) = batch.batch(perReplica: pass.rows)
      let shown = labels.replaced(
        by: IndexTensor(repeating: transformer.classCount, [pass.count]), where: isDropped(index, pass))
      let loss = crossEntropy(transformer.logits(ids_BL: ids, labels: shown), targets: ids).mean()
      let report = trainer.minimize(loss)
      average.update(decay: settings.averagingDecay(afterUpdates: index + 1), after: report)
      let mean = loss.meanOverReplicas()
      return StepMetrics(
        [
          ("cross_entropy", .number(mean)), ("perplexity", .number(mean.exp())),
          ("gradient_norm", .number(report.norm)),
        ], updates: [report])
    }
  }

  /// Which rows of a pass do not see their class, (rows): 1 or 0, by a row's place in the whole batch.
  private func isDropped(_ index: Int, _ pass: BatchPass) -> Tensor {
    let uniform_B = RandomNumbers(
      seed: seed, purpose: "transformer.class_dropout", step: RandomCounter(index)
    ).uniform([1, pass.batch]).reshaped([pass.batch])
    let isDropped_B = uniform_B.isLess(than: Tensor(repeating: Self.classDropout, [pass.batch]))
    guard !pass.isWhole else { return isDropped_B }
    return isDropped_B.reshaped([pass.batch, 1]).gatherRows(IndexTensor(perReplica: pass.rows.map(Int32.init)))
      .reshaped([pass.count])
  }

  /// The averaged weights, which change with the next step: what the teacher file gets.
  public var averagedState: StateDict { average.current }

  public func state() -> StageState { state(of: trainer, ema: average) }
  public func restore(_ state: StageState) throws { try restore(state, into: trainer, ema: average) }
}
