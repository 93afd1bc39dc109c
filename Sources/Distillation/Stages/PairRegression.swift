import DD2Generator
import DD2Teacher
import NN
import TensorCore

/// Regression of tokens from noise on pairs (`TokenPairs`): squared distance and, where the generator's head has token
/// logits, their cross-entropy (DD1, arXiv 2412.17153, section 4.2). The warm start of stage 2, and with
/// `--method dd1` the whole training.
///
/// A share of each batch begins in the middle, as in DD1's training for two steps: the tokens of the first stages are
/// given, where the others have noise, and the rest is learned.
public final class PairRegression: TrainingStage {
  public let name: String
  public let totalSteps: Int
  /// The network being trained.
  public let generator: OneStepGenerator
  private let teacher: any Teacher
  private let pairs: TokenSource
  private let configuration: DistillationConfiguration
  private let monitor: DistillationMonitor?
  private let trainer: NetworkTrainer
  private let average: ExponentialMovingAverage

  /// A stage at its beginning.
  /// - Parameters:
  ///   - name: in logs and checkpoints.
  ///   - initial: weights of a score network, which the generator is before its first update.
  ///   - pairs: see `PairCollection`.
  ///   - monitor: scores the averaged generator at intervals; nil for no evaluation.
  /// - Throws: `StateDictError` where they do not fit.
  public init(
    name: String, steps: Int, teacher: any Teacher, initial: StateDict, pairs: TokenSource,
    configuration: DistillationConfiguration, monitor: DistillationMonitor?
  ) throws {
    self.name = name
    totalSteps = steps
    self.teacher = teacher
    self.pairs = pairs
    self.configuration = configuration
    self.monitor = monitor
    generator = try StudentFactory(teacher: teacher, configuration).generator()
    try generator.load(stage1: initial)
    let settings = TrainingSettings(
      steps: steps, batch: configuration.batch, learningRate: configuration.regressionLearningRate,
      optimizer: AdamWConfiguration(beta2: 0.99), warmUpSteps: 20)
    trainer = NetworkTrainer(generator.parameters, settings.optimizer, settings.schedule)
    average = ExponentialMovingAverage(generator.parameters)
  }

  public func prepare() throws { _ = try pairs() }

  public func step(_ index: Int) throws -> [(String, Double)] {
    let (indices, ids, labels) = try pairs.batch(
      step: index, size: configuration.batch, seed: configuration.seed &+ 2)
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
    let norm = try trainer.minimize(
      crossEntropy.map { distance + $0 * configuration.regressionCrossEntropy } ?? distance)
    average.update(decay: configuration.averagingDecay(afterUpdates: index + 1))
    let snapped = teacher.codebook.nearest(drawn.latents_BLD.stopGradient())
    let correct = zip(snapped.values, ids.values).count { $0 == $1 }
    let likelihood = crossEntropy.map { [("cross_entropy", Double($0.item))] } ?? []
    return [("regression", Double(distance.item))] + likelihood + [
      ("token_accuracy", Double(correct) / Double(ids.values.count)), ("gradient_norm", Double(norm)),
    ]
  }

  /// 1 where a token is given, (B, L): the first stages of the batch's first rows. Nil where none is.
  private func givenTokens() -> Tensor? {
    let (B, L) = (configuration.batch, teacher.layout.count)
    let rows = Int((Float(B) * configuration.prefixShare).rounded())
    guard rows > 0 else { return nil }
    let kept = teacher.layout.restart
    return Tensor((0..<B).flatMap { row in (0..<L).map { row < rows && $0 < kept ? 1 : 0 } }, [B, L])
  }

  public func evaluate(completed: Int, in run: RunFolder) throws -> [(String, Double)] {
    try monitor?.evaluate(
      raw: generator, averaged: average.stateDict(), completed: completed, total: totalSteps, in: run) ?? []
  }

  /// The averaged generator's weights.
  public var averagedState: StateDict { average.stateDict() }

  public func state() -> StageState { state(of: trainer, ema: average) }
  public func restore(_ state: StageState) throws { try restore(state, into: trainer, ema: average) }
}
