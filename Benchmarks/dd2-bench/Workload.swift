import Backbone
import DD2Generator
import DD2Teacher
import Datasets
import Distillation
import NN
import ScoreNet
import TeacherModels
import TensorCore
import Training

/// What is timed.
enum TimedTask: String, CaseIterable {
  /// One cycle of stage 2: the score updates and the generator update after them.
  case cycle
  /// One training step of the teacher's transformer.
  case teacher
}

/// The training stages of the program itself, at the size of the built-in model. Weights are drawn so that none is
/// zero, as some are in new networks: everything then matters to the results.
final class Workload {
  let configuration: DistillationConfiguration
  let settings: TrainingSettings
  let teacher: VARTeacher
  let tokens: TokenSet
  let stage2: Stage2Training
  let training: TransformerTraining
  private var stepsDone: [TimedTask: Int] = [:]

  init() throws {
    guard case .nextScale(let transformerSizes, let tokenizerSizes) = TeacherConfiguration.shapes32 else {
      preconditionFailure("dd2-bench: the built-in teacher is of another family")
    }
    configuration = Self.distillation
    settings = Self.transformer
    let seed = configuration.seed
    let tokenizer = VQVAE(tokenizerSizes, seed: seed)
    let transformer = VARTransformer(transformerSizes, map: tokenizer.map, seed: seed)
    try transformer.parameters.load(Self.perturbed(transformer.parameters, name: "teacher"))
    teacher = VARTeacher(transformer: transformer, tokenizer: tokenizer)
    tokens = Self.randomTokens(count: 8 * settings.batch, configuration: transformerSizes, seed: seed)

    let score = try ScoreNetwork(
      trunk: teacher.trunkConfiguration, head: configuration.head, codebook: teacher.codebook,
      mapState: teacher.mapState, seed: seed)
    let generator = try OneStepGenerator(
      trunk: teacher.trunkConfiguration, head: configuration.head, codebook: teacher.codebook,
      mapState: teacher.mapState, adaptation: configuration.adaptation, seed: seed)
    stage2 = try Stage2Training(
      teacher: teacher, stage1: Self.perturbed(score.parameters, name: "score"),
      start: Self.perturbed(generator.parameters, name: "generator"),
      pairs: TokenSource { [tokens] in tokens }, configuration: configuration,
      monitor: DistillationMonitor(teacher: teacher, scorer: nil, configuration: configuration))
    training = TransformerTraining(
      VARTokenTransformer(
        transformer: VARTransformer(transformerSizes, map: tokenizer.map, seed: seed), tokenizer: tokenizer),
      tokens: TokenSource { [tokens] in tokens }, settings: settings, seed: seed)
    try training.transformer.parameters.load(transformer.parameters.stateDict())
  }

  /// Runs the next step of a task.
  /// - Returns: the stage's own metrics.
  @discardableResult
  func run(_ task: TimedTask) throws -> [(String, Double)] {
    let index = stepsDone[task, default: 0]
    stepsDone[task] = index + 1
    switch task {
    case .cycle: return try stage2.step(index).read(step: index)
    case .teacher: return try training.step(index).read(step: index)
    }
  }

  /// Sequences per update of both tasks.
  private static let batch = 48

  /// One network of the teacher's form, which is what the twin has, with the loss, batch and noise levels that the
  /// figures are quoted for and as many score updates in the first cycles as in all others.
  private static var distillation: DistillationConfiguration {
    var configuration = DistillationConfiguration(steps: .max)
    configuration.adaptation = GeneratorAdaptation()
    configuration.batch = batch
    configuration.noiseLevels = 2
    configuration.loss = .sid
    configuration.firstRounds = 0
    return configuration
  }

  /// The defaults of `dd2 teacher train`, with the batch that the figures are quoted for.
  private static var transformer: TrainingSettings {
    var settings = TeacherTrainingConfiguration().transformer
    settings.batch = batch
    return settings
  }

  /// Weights with noise added to all.
  static func perturbed(_ parameters: ParameterSet, name: String) -> StateDict {
    StateDict(
      Dictionary(
        uniqueKeysWithValues: parameters.stateDict().entries.map { path, value in
          let noise = RandomNumbers(seed: 1, purpose: "bench.\(name).\(path)").normal([1, value.count])
          return (path, value + noise.reshaped(value.shape) * 0.05)
        }))
  }

  private static func randomTokens(count: Int, configuration: VARConfiguration, seed: UInt64) -> TokenSet {
    var stream = RandomStream(seed: seed, purpose: "bench.tokens")
    let L = configuration.layout.count
    let ids = (0..<(count * L)).map { _ in Int32(stream.integer(below: configuration.vocabulary)) }
    let labels = (0..<count).map { Int32($0 % configuration.classCount) }
    return TokenSet(ids: IndexArray(ids, [count, L]), labels: labels)
  }
}
