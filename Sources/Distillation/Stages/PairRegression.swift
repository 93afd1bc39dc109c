import DD2Generator
import DD2Teacher
import NN
import TensorCore

/// The warm start: the generator learns to map each pair's noise to its tokens, by squared distance and, where its head has
/// token logits, their cross-entropy (DD1, arXiv 2412.17153, section 4.2).
public final class PairRegression: TrainingStage {
  public let name = "warm-start"
  public var totalSteps: Int { configuration.warmStartSteps }
  /// The network being trained.
  public let generator: OneStepGenerator
  private let teacher: any Teacher
  private let pairs: TokenSource
  private let configuration: DistillationConfiguration
  private let trainer: NetworkTrainer

  /// A stage at its beginning.
  /// - Parameters:
  ///   - stage1: weights of the stage-1 network.
  ///   - pairs: see `TokenPairs`.
  /// - Throws: `StateDictError` where they do not fit.
  public init(
    teacher: any Teacher, stage1: StateDict, pairs: TokenSource, configuration: DistillationConfiguration
  ) throws {
    self.teacher = teacher
    self.pairs = pairs
    self.configuration = configuration
    generator = try StudentFactory(teacher: teacher, head: configuration.head, seed: configuration.seed).generator()
    try generator.load(stage1: stage1)
    let settings = TrainingSettings(
      steps: configuration.warmStartSteps, batch: configuration.batch,
      learningRate: configuration.warmStartLearningRate, optimizer: AdamWConfiguration(beta2: 0.99), warmUpSteps: 20)
    trainer = NetworkTrainer(generator.parameters, settings.optimizer, settings.schedule)
  }

  public func step(_ index: Int) throws -> [(String, Double)] {
    let (indices, ids, labels) = try pairs.batch(
      step: index, size: configuration.batch, seed: configuration.seed &+ 2)
    let noise_BLD = Tensor.concatenated(
      indices.map { TokenPairs.noise(teacher: teacher, count: 1, seed: configuration.seed, firstIndex: $0) }, axis: 0)
    let (drawn_BLD, logits_BLV) = generator.draw(noise_BLD: noise_BLD, labels: labels)
    let target_BLD = teacher.codebook.latents(ids)
    let distance = (drawn_BLD - target_BLD).square().mean() * Float(teacher.codebook.dimension)
    let crossEntropy = logits_BLV.map { TensorCore.crossEntropy($0, targets: ids).mean() }
    let norm = try trainer.minimize(
      crossEntropy.map { distance + $0 * configuration.warmStartCrossEntropy } ?? distance)
    let correct = zip(teacher.codebook.nearest(drawn_BLD.stopGradient()).values, ids.values).count { $0 == $1 }
    let likelihood = crossEntropy.map { [("cross_entropy", Double($0.item))] } ?? []
    return [("regression", Double(distance.item))] + likelihood + [
      ("token_accuracy", Double(correct) / Double(ids.values.count)), ("gradient_norm", Double(norm)),
    ]
  }

  public func state() -> StageState { state(of: trainer) }
  public func restore(_ state: StageState) throws { try restore(state, into: trainer) }
}
