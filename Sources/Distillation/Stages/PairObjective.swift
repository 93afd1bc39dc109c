import DD2Generator
import DD2Teacher
import TeacherModels
import TensorCore

/// What the regression on pairs minimises: squared distance of a generator's latents to the pair's tokens and, where the
/// head has token logits, their cross-entropy (DD1, arXiv 2412.17153, section 4.2).
struct PairObjective {
  private let teacher: any Teacher
  private let pairs: TokenSource
  private let configuration: DistillationConfiguration

  /// The objective of one batch.
  struct Value {
    /// Distance and cross-entropy, to be minimised.
    let loss: Tensor
    /// `regression`, the squared distance; `cross_entropy` (nats) where there is one; `token_accuracy`, of snapped
    /// latents.
    let metrics: [(String, Double)]
  }

  /// - Parameter pairs: see `TokenCollection.pairs`.
  init(teacher: any Teacher, pairs: TokenSource, configuration: DistillationConfiguration) {
    self.teacher = teacher
    self.pairs = pairs
    self.configuration = configuration
  }

  /// Makes the pairs or reads them, before any step needs them.
  func prepare() throws { _ = try pairs.tokens() }

  /// The objective of the batch that belongs to a step.
  func value(of generator: OneStepGenerator, step: Int) throws -> Value {
    let (indices, ids, labels) = try pairs.batch(
      step: step, size: configuration.batch, seed: configuration.seed &+ 2)
    let noise_BLD = Tensor.concatenated(
      indices.map { TokenPairs.noise(teacher: teacher, count: 1, seed: configuration.seed, firstIndex: $0) }, axis: 0)
    let target_BLD = teacher.codebook.latents(ids)
    // Every part reads the tokens of the pair, as it will read those of a generator that has learned them.
    let drawn = generator.draw(noise_BLD: noise_BLD, labels: labels, reading: ids)
    let distance = (drawn.latents_BLD - target_BLD).square().sum(axis: -1).mean()
    let crossEntropy = drawn.logits_BLV.map { TensorCore.crossEntropy($0, targets: ids).mean() }
    let snapped = teacher.codebook.nearest(drawn.latents_BLD.stopGradient())
    let correct = zip(snapped.values, ids.values).count { $0 == $1 }
    let likelihood = crossEntropy.map { [("cross_entropy", Double($0.item))] } ?? []
    return Value(
      loss: crossEntropy.map { distance + $0 } ?? distance,
      metrics: [("regression", Double(distance.item))] + likelihood + [
        ("token_accuracy", Double(correct) / Double(ids.values.count))
      ])
  }
}
