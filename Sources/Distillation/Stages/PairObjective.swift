import DD2Generator
import DD2Teacher
import TeacherModels
import TensorCore
import Training

/// What the regression on pairs minimises: squared distance of a generator's latents to the pair's tokens and, where the
/// head has token logits, their cross-entropy (DD1, arXiv 2412.17153, section 4.2).
struct PairObjective {
  private let teacher: any Teacher
  private let pairs: TokenSource
  private let configuration: DistillationConfiguration

  /// The pairs of a step, on the host.
  struct Batch {
    /// Which of all pairs they are: their noise follows from it.
    let indices: [Int]
    let tokens: TokenSet
  }

  /// The objective of one batch.
  struct Value {
    /// Distance and cross-entropy, to be minimised.
    let loss: Tensor
    /// `regression`, the squared distance; `cross_entropy` (nats) where there is one; `token_accuracy`, of snapped
    /// latents.
    let metrics: StepMetrics
  }

  /// - Parameter pairs: see `TokenCollection.pairs`.
  init(teacher: any Teacher, pairs: TokenSource, configuration: DistillationConfiguration) {
    self.teacher = teacher
    self.pairs = pairs
    self.configuration = configuration
  }

  /// Makes the pairs or reads them, before any step needs them.
  func prepare() throws { _ = try pairs.tokens() }

  /// The batch that belongs to a step.
  func batch(step: Int) throws -> Batch {
    let (indices, tokens) = try pairs.batch(
      step: step, size: configuration.batch, seed: configuration.seed &+ 2)
    return Batch(indices: indices, tokens: tokens)
  }

  /// The objective of a pass over a batch.
  func value(of generator: OneStepGenerator, _ batch: Batch, _ pass: BatchPass) -> Value {
    let (ids_BL, labels) = batch.tokens.batch(perReplica: pass.rows)
    let noise_BLD = TokenPairs.noise(
      teacher: teacher, samples: RandomCounter(perReplica: pass.rows.map { batch.indices[$0] }), count: pass.count,
      seed: configuration.seed)
    let target_BLD = teacher.codebook.latents(ids_BL)
    // Every part reads the tokens of the pair, as it will read those of a generator that has learned them.
    let drawn = generator.draw(noise_BLD: noise_BLD, labels: labels, reading: ids_BL)
    let distance = (drawn.latents_BLD - target_BLD).square().sum(axis: -1).mean()
    let crossEntropy = drawn.logits_BLV.map { TensorCore.crossEntropy($0, targets: ids_BL).mean() }
    let snapped_BL = teacher.codebook.nearest(drawn.latents_BLD.stopGradient())
    let likelihood = crossEntropy.map { [("cross_entropy", StepMetrics.Value.number($0))] } ?? []
    return Value(
      loss: crossEntropy.map { distance + $0 } ?? distance,
      metrics: StepMetrics(
        [("regression", .number(distance))] + likelihood + [
          ("token_accuracy", .number(snapped_BL.equals(ids_BL).mean()))
        ]))
  }
}
