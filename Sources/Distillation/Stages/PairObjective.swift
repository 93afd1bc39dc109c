import DD2Generator
import DD2Teacher
import TeacherModels
import TensorCore

/// What the regression on pairs minimises: squared distance of a generator's latents to the pair's tokens and, where the
/// head has token logits, their cross-entropy (DD1, arXiv 2412.17153, section 4.2).
///
/// A share of each batch begins in the middle, as in DD1's training for two steps: the tokens of the first stages are
/// given, where the others have noise, and the rest is learned.
struct PairObjective {
  private let teacher: any Teacher
  private let pairs: TokenSource
  private let configuration: DistillationConfiguration

  /// The objective of one batch.
  struct Value {
    /// Distance and weighted cross-entropy, to be minimised.
    let loss: Tensor
    /// `regression`, the squared distance; `cross_entropy` (nats) where there is one; `token_accuracy`, of snapped
    /// latents. Given tokens count in none of them.
    let metrics: [(String, Double)]
  }

  /// - Parameter pairs: see `PairCollection`.
  init(teacher: any Teacher, pairs: TokenSource, configuration: DistillationConfiguration) {
    self.teacher = teacher
    self.pairs = pairs
    self.configuration = configuration
  }

  /// Makes the pairs or reads them, before any step needs them.
  func prepare() throws { _ = try pairs() }

  /// The objective of the batch that belongs to a step.
  func callAsFunction(_ generator: OneStepGenerator, step: Int) throws -> Value {
    let (indices, ids, labels) = try pairs.batch(
      step: step, size: configuration.batch, seed: configuration.seed &+ 2)
    let noise_BLD = Tensor.concatenated(
      indices.map { TokenPairs.noise(teacher: teacher, count: 1, seed: configuration.seed, firstIndex: $0) }, axis: 0)
    let target_BLD = teacher.codebook.latents(ids)
    let given_BL = givenTokens()
    // Every part reads the tokens of the pair, as it will read those of a generator that has learned them.
    let drawn = generator.draw(
      noise_BLD: noise_BLD, labels: labels, given: given_BL.map { ($0, target_BLD) }, reading: target_BLD)
    // Given tokens are no part of what is learned; the mean is over the others.
    let weight_BL = given_BL.map { (1 - $0) * (Float(ids.values.count) / (1 - $0).sum().item) }
    func mean(_ perToken_BL: Tensor) -> Tensor { (weight_BL.map { perToken_BL * $0 } ?? perToken_BL).mean() }
    let distance = mean((drawn.latents_BLD - target_BLD).square().sum(axis: -1))
    let crossEntropy = drawn.logits_BLV.map { mean(TensorCore.crossEntropy($0, targets: ids)) }
    let snapped = teacher.codebook.nearest(drawn.latents_BLD.stopGradient())
    let given = given_BL?.elements
    let learned = ids.values.indices.filter { given?[$0] != 1 }
    let correct = learned.count { snapped.values[$0] == ids.values[$0] }
    let likelihood = crossEntropy.map { [("cross_entropy", Double($0.item))] } ?? []
    return Value(
      loss: crossEntropy.map { distance + $0 * configuration.regressionCrossEntropy } ?? distance,
      metrics: [("regression", Double(distance.item))] + likelihood + [
        ("token_accuracy", Double(correct) / Double(learned.count))
      ])
  }

  /// 1 where a token is given, (B, L): the first stages of the batch's first rows. Nil where none is.
  private func givenTokens() -> Tensor? {
    let (B, L) = (configuration.batch, teacher.layout.count)
    let rows = configuration.givenRows
    guard rows > 0 else { return nil }
    let kept = teacher.layout.restart
    return Tensor((0..<B).flatMap { row in (0..<L).map { row < rows && $0 < kept ? 1 : 0 } }, [B, L])
  }
}
