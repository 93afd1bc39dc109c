import Backbone
import DD2Teacher
import Datasets
import Foundation
import NN
import TensorCore

/// A set of images as token sequences with their labels.
public struct TokenSet: Sendable {
  /// (N, L)
  public let ids: IndexTensor
  /// N class labels.
  public let labels: [Int32]

  /// Tokens with their labels.
  public init(ids: IndexTensor, labels: [Int32]) {
    precondition(ids.shape.rank == 2 && ids.shape[0] == labels.count, "TokenSet: ids \(ids.shape)")
    self.ids = ids
    self.labels = labels
  }

  /// Number of sequences.
  public var count: Int { labels.count }

  /// The sequences at the given positions: ids (B, L) and B labels.
  public func batch(_ indices: [Int]) -> (ids: IndexTensor, labels: [Int32]) {
    let L = ids.shape[1]
    let values = indices.flatMap { ids.values[($0 * L)..<(($0 + 1) * L)] }
    return (IndexTensor(values, [indices.count, L]), indices.map { labels[$0] })
  }

  /// Encodes a data set with a tokenizer.
  /// - Parameters:
  ///   - limit: at most this many images, from the start.
  ///   - progress: called with the number of images done.
  public static func encode(
    _ data: any ImageSource, limit: Int = .max, batch: Int = 100, progress: (Int) -> Void = { _ in },
    encoder: (Tensor) -> IndexTensor
  ) throws -> TokenSet {
    let count = min(limit, data.count)
    var values: [Int32] = []
    var labels: [Int32] = []
    for start in stride(from: 0, to: count, by: batch) {
      let images = try data.batch(Array(start..<min(start + batch, count)))
      values += encoder(images.images).values
      labels += images.labels
      progress(labels.count)
    }
    return TokenSet(ids: IndexTensor(values, [count, values.count / max(count, 1)]), labels: labels)
  }
}

/// Tokens that are made when first asked for: a stage that is resumed at its end never encodes anything.
public final class TokenSource {
  private let make: () throws -> TokenSet
  private var made: TokenSet?
  private var sampler: BatchSampler?

  /// A source that calls `make` once, on first use.
  public init(_ make: @escaping () throws -> TokenSet) { self.make = make }

  /// The tokens.
  public func callAsFunction() throws -> TokenSet {
    if let made { return made }
    let tokens = try make()
    made = tokens
    return tokens
  }

  /// The sequences that a training step sees, shuffled anew every epoch: ids (B, L) and B labels.
  func batch(step: Int, size: Int, seed: UInt64) throws -> (ids: IndexTensor, labels: [Int32]) {
    let tokens = try self()
    var current = sampler ?? BatchSampler(count: tokens.count, batchSize: size, seed: seed)
    precondition(current.batchSize == size && current.seed == seed, "TokenSource: another batch size or seed")
    defer { sampler = current }
    return tokens.batch(current.indices(step: step))
  }
}

/// Trains the next-scale transformer on tokens.
public final class TransformerTraining: TrainingStage {
  public let name = "transformer"
  public var totalSteps: Int { settings.steps }
  /// The transformer being trained.
  public let transformer: VARTransformer
  private let tokenizer: VQVAE
  private let tokens: TokenSource
  private let settings: TrainingSettings
  private let seed: UInt64
  private let trainer: NetworkTrainer
  private let average: ExponentialMovingAverage

  /// Part of the labels that are replaced by 'no class', for classifier-free guidance.
  private static let classDropout: Float = 0.1

  /// A stage at its beginning.
  public init(
    configuration: VARConfiguration, tokenizer: VQVAE, tokens: TokenSource, settings: TrainingSettings, seed: UInt64
  ) {
    transformer = VARTransformer(configuration, map: tokenizer.map, seed: seed)
    self.tokenizer = tokenizer
    self.tokens = tokens
    self.settings = settings
    self.seed = seed
    trainer = NetworkTrainer(transformer.parameters, settings.optimizer, settings.schedule)
    average = ExponentialMovingAverage(transformer.parameters)
  }

  public func step(_ index: Int) throws -> [(String, Double)] {
    let (ids, labels) = try tokens.batch(step: index, size: settings.batch, seed: seed &+ 1)
    var stream = RandomStream(seed: seed, purpose: "transformer.class_dropout", step: index)
    let dropped = labels.map {
      stream.uniform() < Self.classDropout ? Int32(transformer.configuration.classCount) : $0
    }
    let inputs = withoutGradient {
      tokenizer.map.inputs(latents_BLD: tokenizer.embedding.gatherRows(ids))
    }
    let loss = crossEntropy(transformer.logits(inputs_BLD: inputs, labels: dropped), targets: ids).mean()
    let norm = try trainer.minimize(loss)
    average.update(decay: min(settings.emaDecay, Float(index + 1) / Float(index + 10)))
    let value = Double(loss.item)
    return [("cross_entropy", value), ("perplexity", exp(value)), ("gradient_norm", Double(norm))]
  }

  /// The averaged weights: what the teacher file gets.
  public var averagedState: StateDict { average.stateDict() }

  public func state() -> StageState { state(of: trainer, ema: average) }
  public func restore(_ state: StageState) throws { try restore(state, into: trainer, ema: average) }
}
