import DD2Teacher
import Datasets
import NN
import Training

/// Settings of a teacher's training, from images or, the transformer alone, from tokens.
public struct TeacherTrainingConfiguration: Codable, Equatable, Sendable {
  /// Family and sizes.
  public var teacher: TeacherConfiguration
  /// The feature loss's classifier.
  public var perceptual: TrainingSettings
  /// The tokenizer.
  public var tokenizer: TrainingSettings
  /// The tokenizer's losses.
  public var lossWeights: TokenizerLossWeights
  /// The transformer.
  public var transformer: TrainingSettings
  /// Everything random.
  public var seed: UInt64
  /// Where the images, or the tokens, come from, for the record.
  public var data: String
  /// What the images are; nil for the built-in ones.
  public var images: ImageSetRecord?
  /// The tokens, where the transformer alone is trained.
  public var tokens: TrainingTokens.Record?

  /// Settings that train the built-in teacher.
  public init(
    teacher: TeacherConfiguration = .shapes32, tokenizerSteps: Int = 1400, transformerSteps: Int = 6000,
    seed: UInt64 = 1, data: String = Shapes32.name
  ) {
    self.teacher = teacher
    perceptual = TrainingSettings(
      steps: min(400, max(1, tokenizerSteps / 4)), batch: 64, learningRate: 2e-3,
      optimizer: AdamWConfiguration(weightDecay: 0.01))
    tokenizer = TrainingSettings(
      steps: tokenizerSteps, batch: 32, learningRate: 2e-3, optimizer: AdamWConfiguration(beta2: 0.99),
      emaDecay: 0.99)
    lossWeights = TokenizerLossWeights()
    transformer = TrainingSettings(
      steps: transformerSteps, batch: 16, learningRate: 2e-3, optimizer: AdamWConfiguration(weightDecay: 0.05),
      emaDecay: 0.998, warmUpSteps: 100)
    self.seed = seed
    self.data = data
  }

  /// Settings that train a transformer alone.
  public init(teacher: TeacherConfiguration, tokens: TrainingTokens.Record, transformerSteps: Int, seed: UInt64) {
    self.init(
      teacher: teacher, tokenizerSteps: 0, transformerSteps: transformerSteps, seed: seed, data: tokens.file.path)
    perceptual.steps = 0
    self.tokens = tokens
  }

  /// The settings of each stage, in order.
  public var stages: [(name: String, settings: TrainingSettings)] {
    let transformer = ("transformer", transformer)
    return tokens == nil ? [("perceptual", perceptual), ("tokenizer", tokenizer), transformer] : [transformer]
  }
}

extension TeacherTrainingConfiguration: CheckedSettings {
  public func check() throws(SettingsError) {
    try teacher.check()
    try perceptual.check()
    try tokenizer.check()
    try transformer.check()
  }
}
