import Artifacts
import DD2Teacher
import Datasets
import NN
import Processes
import Training

/// Trains a teacher: classifier for the feature loss, tokenizer, tokens, transformer; each part is a run of its own
/// below the folder, so that an interrupted pipeline continues where it stopped. Or the transformer alone, from tokens.
public struct TeacherPipeline {
  private let configuration: TeacherTrainingConfiguration
  private let folder: String
  private let command: String
  private let plan: [PlannedStage]
  private let interrupt: InterruptFlag
  private let observer: RunObserver

  /// Steps between checkpoints, and between pictures.
  private static let interval = 200

  /// A pipeline in a folder.
  /// - Parameter trial: what the steps of its stages cost; nil where that is not known.
  public init(
    _ configuration: TeacherTrainingConfiguration, folder: String, command: String, trial: TeacherTrial? = nil,
    interrupt: InterruptFlag, observer: @escaping RunObserver
  ) {
    self.configuration = configuration
    self.folder = folder
    self.command = command
    plan =
      trial?.stages ?? configuration.stages.map { PlannedStage(name: $0.name, steps: $0.settings.steps, cost: 0) }
    self.interrupt = interrupt
    self.observer = observer
  }

  /// Trains what is not trained yet and writes `teacher.h5`.
  /// - Returns: the path of the teacher file.
  public func run(data: any ImageSource) throws -> String {
    try train(configuration.teacher.family, data: data)
  }

  /// Trains the transformer alone, as far as it is not trained yet, and writes `teacher.h5`.
  /// - Returns: the path of the teacher file, which holds the tokenizer that made the tokens.
  public func run(tokens: TrainingTokens) throws -> String {
    try train(configuration.teacher.family, tokens: tokens)
  }

  /// The settings as the teacher's file records them: what only this copy of the images has is left out.
  private var recordedConfiguration: TeacherTrainingConfiguration {
    var settings = configuration
    settings.images?.state = nil
    return settings
  }

  private func train<Family: TeacherFamily>(_ family: Family, data: any ImageSource) throws -> String {
    observer(.planned(plan))
    let perceptual = PerceptualTraining(data: data, settings: configuration.perceptual, seed: configuration.seed)
    let begun = try run(perceptual, command: command, isFirst: true)
    let tokenizer = family.makeTokenizer(seed: configuration.seed)
    let stage = TokenizerTraining(
      tokenizer, perceptual: perceptual.network, weights: configuration.lossWeights, data: data,
      settings: configuration.tokenizer, seed: configuration.seed)
    let pictures = ReconstructionPictures(family, data: data) { stage.averagedState }
    try run(PicturedStage(stage, pictures: pictures, interval: Self.interval), command: begun)
    try tokenizer.parameters.load(stage.averagedState)
    let tokens = TokenSource {
      observer(.started(stage: "encoding", completed: 0, total: data.count))
      return try TokenSet.encode(
        data, batch: imagesAtOnce(side: data.height),
        progress: { completed in
          observer(.step(stage: "encoding", completed: completed, total: data.count, metrics: []))
          if ProcessGroup.current.any(interrupt.isRaised) { throw RunInterrupted(checkpoint: nil) }
        }, encoder: { try tokenizer.encode(images_BhwC: $0) })
    }
    return try trainTransformer(
      family, over: tokenizer, tokens, classNames: data.classNames, command: begun)
  }

  private func train<Family: TeacherFamily>(_ family: Family, tokens: TrainingTokens) throws -> String {
    let tokenizer = try family.loadTokenizer(try tokens.tokenizer.weights())
    let names = tokens.record.classes?.names(count: family.classCount)
    return try trainTransformer(
      family, over: tokenizer, TokenSource { tokens.tokens },
      classNames: names ?? [String](repeating: "", count: family.classCount), command: nil)
  }

  /// Trains the transformer and writes the teacher.
  /// - Parameter begun: the command that began the run; nil where this is its first stage.
  private func trainTransformer<Family: TeacherFamily>(
    _ family: Family, over tokenizer: Family.Tokenizer, _ tokens: TokenSource, classNames: [String],
    command begun: String?
  ) throws -> String {
    let stage = TransformerTraining(
      family.makeTransformer(over: tokenizer, seed: configuration.seed), tokens: tokens,
      settings: configuration.transformer, seed: configuration.seed)
    let weights = tokenizer.parameters.stateDict()
    let pictures = SamplePictures(
      family, tokenizer: weights, classNames: classNames, seed: configuration.seed
    ) { stage.averagedState }
    let begun = try run(
      PicturedStage(stage, pictures: pictures, interval: Self.interval), command: begun ?? command,
      isFirst: begun == nil)
    let path = folder + "/teacher.h5"
    guard ProcessGroup.current.isFirst else { return path }
    try TeacherFile.write(
      configuration.teacher, transformer: stage.averagedState, tokenizer: weights,
      metadata: [
        "command": begun, "seed": String(configuration.seed), "training": try JSON.text(recordedConfiguration),
      ], to: path)
    observer(.saved(path: path))
    return path
  }

  /// Trains one part.
  /// - Parameter isFirst: whether it says what is not as when the run was last started.
  /// - Returns: the command that began its run.
  @discardableResult
  private func run(_ stage: any TrainingStage, command: String, isFirst: Bool = false) throws -> String {
    let run = try OpenRun(folder + "/" + stage.name, settings: configuration, command: command)
    if isFirst, let change = run.change { observer(.warning(change)) }
    try StageLoop(run, checkpointInterval: Self.interval, interrupt: interrupt, observer: observer).run(stage)
    return run.command
  }

  /// The settings of the training in a folder.
  /// - Throws: `ArtifactError` where there is none.
  public static func recorded(in folder: String) throws -> TeacherTrainingConfiguration {
    // The first stage that a run has, of images or of tokens.
    let first = FileAccess.exists(folder + "/perceptual") ? "/perceptual" : "/transformer"
    return try RunDirectory.open(folder + first).recordedSettings()
  }
}
