import Artifacts
import DD2Teacher
import Datasets
import NN
import TensorCore
import Training

/// Settings of a teacher's training from images.
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
  /// Where the images come from, for the record.
  public var data: String
  /// What they are; nil for the built-in ones.
  public var images: ImageSetRecord?

  /// Settings that train the built-in teacher.
  public init(
    teacher: TeacherConfiguration = .shapes32, tokenizerSteps: Int = 1400, transformerSteps: Int = 6000,
    seed: UInt64 = 1, data: String = "shapes32"
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
}

extension TeacherTrainingConfiguration: CheckedSettings {
  public func check() throws(SettingsError) {
    try teacher.check()
    try perceptual.check()
    try tokenizer.check()
    try transformer.check()
  }
}

/// Trains a teacher: classifier for the feature loss, tokenizer, tokens, transformer; each part is a run of its own
/// below the folder, so that an interrupted pipeline continues where it stopped.
public struct TeacherPipeline {
  private let configuration: TeacherTrainingConfiguration
  private let folder: String
  private let command: String
  private let interrupt: InterruptFlag
  private let observer: RunObserver

  /// A pipeline in a folder.
  public init(
    _ configuration: TeacherTrainingConfiguration, folder: String, command: String, interrupt: InterruptFlag,
    observer: @escaping RunObserver
  ) {
    self.configuration = configuration
    self.folder = folder
    self.command = command
    self.interrupt = interrupt
    self.observer = observer
  }

  /// Trains what is not trained yet and writes `teacher.h5`.
  /// - Returns: the path of the teacher file.
  public func run(data: any ImageSource) throws -> String {
    try train(configuration.teacher.family, data: data)
  }

  /// The settings as the teacher's file records them: what only this copy of the images has is left out.
  private var recordedConfiguration: TeacherTrainingConfiguration {
    var settings = configuration
    settings.images?.state = nil
    return settings
  }

  private func train<Family: TeacherFamily>(_ family: Family, data: any ImageSource) throws -> String {
    observer(
      .planned(
        [
          ("perceptual", configuration.perceptual), ("tokenizer", configuration.tokenizer),
          ("transformer", configuration.transformer),
        ].map { PlannedStage(name: $0, steps: $1.steps, cost: 0) }))
    let perceptual = PerceptualTraining(data: data, settings: configuration.perceptual, seed: configuration.seed)
    let begun = try run(perceptual, command: command) { if let change = $0.change { observer(.warning(change)) } }
    let tokenizer = family.makeTokenizer(seed: configuration.seed)
    let tokenizerStage = TokenizerTraining(
      tokenizer, perceptual: perceptual.network, weights: configuration.lossWeights, data: data,
      settings: configuration.tokenizer, seed: configuration.seed)
    try run(tokenizerStage, command: begun)
    try tokenizer.parameters.load(tokenizerStage.averagedState)
    let tokens = TokenSource {
      observer(.started(stage: "encoding", completed: 0, total: data.count))
      return try TokenSet.encode(
        data, batch: imagesAtOnce(side: data.height),
        progress: { completed in
          observer(.step(stage: "encoding", completed: completed, total: data.count, metrics: []))
          if interrupt.isRaised { throw RunInterrupted(checkpoint: nil) }
        }, encoder: { try tokenizer.encode(images_BhwC: $0) })
    }
    let transformerStage = TransformerTraining(
      family.makeTransformer(over: tokenizer, seed: configuration.seed), tokens: tokens,
      settings: configuration.transformer, seed: configuration.seed)
    try run(transformerStage, command: begun)
    let path = folder + "/teacher.h5"
    try TeacherFile.write(
      configuration.teacher, transformer: transformerStage.averagedState, tokenizer: tokenizerStage.averagedState,
      metadata: [
        "command": begun, "seed": String(configuration.seed), "training": try JSON.text(recordedConfiguration),
      ], to: path)
    observer(.saved(path: path))
    return path
  }

  /// Trains one part.
  /// - Returns: the command that began its run.
  @discardableResult
  private func run(
    _ stage: any TrainingStage, command: String, opened: (OpenRun) -> Void = { _ in }
  ) throws -> String {
    let run = try OpenRun(folder + "/" + stage.name, settings: configuration, command: command)
    opened(run)
    try StageLoop(run, checkpointInterval: 200, interrupt: interrupt, observer: observer).run(stage)
    return run.command
  }

  /// The settings of the training in a folder.
  /// - Throws: `ArtifactError` where there is none.
  public static func recorded(in folder: String) throws -> TeacherTrainingConfiguration {
    try RunDirectory.open(folder + "/perceptual").recordedSettings()
  }
}
