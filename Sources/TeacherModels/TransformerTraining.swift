import DD2Teacher
import Foundation
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

  public func step(_ index: Int) throws -> [(String, Double)] {
    let (_, ids, labels) = try tokens.batch(step: index, size: settings.batch, seed: seed &+ 1)
    var stream = RandomStream(seed: seed, purpose: "transformer.class_dropout", step: index)
    let dropped = labels.map {
      stream.uniform() < Self.classDropout ? Int32(transformer.classCount) : $0
    }
    let loss = crossEntropy(transformer.logits(ids_BL: ids, labels: dropped), targets: ids).mean()
    let norm = try trainer.minimize(loss)
    average.update(decay: settings.averagingDecay(afterUpdates: index + 1))
    let value = Double(loss.item)
    return [("cross_entropy", value), ("perplexity", exp(value)), ("gradient_norm", Double(norm))]
  }

  /// The averaged weights: what the teacher file gets.
  public var averagedState: StateDict { average.stateDict() }

  public func state() -> StageState { state(of: trainer, ema: average) }
  public func restore(_ state: StageState) throws { try restore(state, into: trainer, ema: average) }
}
