import ArgumentParser
import Artifacts
import Datasets
import Evaluation
import Processes
import TeacherModels
import Training

/// `dd2 teacher train`: tokenizer and transformer, or the feature network that scores shapes32.
struct TeacherTrain: SpreadCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a teacher from images or tokens, or the network that scores shapes32.",
    discussion: """
      Example: dd2 teacher train --data my-images/ --side 64 --run runs/my-teacher

      Shows sizes and time first, writes pictures of what tokenizer and transformer have learned into their folders' \
      snapshots/ on the way, and prints the path of the finished file. With --tokens it trains the transformer alone. \
      An interrupted run (Ctrl-C) saves a checkpoint and continues with --resume.
      """)

  /// The run itself.
  struct Running: ParsableArguments {
    @OptionGroup var location: RunOptions

    @Flag(help: "Do nothing but say what would be done: sizes, parameters, time.")
    var dryRun = false
  }

  @OptionGroup(title: "Run") var running: Running
  @OptionGroup(title: "Images or tokens") var data: DataOptions

  @Option(
    help: ArgumentHelp(
      "The teacher that encoded --tokens: its tokenizer is kept, and the transformer alone is trained.",
      valueName: "name|file"), completion: .file())
  var tokenizer: String?

  @Option(help: "The teacher's family (default: \(TeacherFamilyName.var.rawValue)).")
  var family: TeacherFamilyName?

  @OptionGroup(title: "Sizes") var sizes: TrainingSizeOptions
  @OptionGroup var devices: TrainingDeviceOptions

  @Option(parsing: .unconditional, help: "Updates of the tokenizer (default: \(usual.tokenizer.steps)).")
  var tokenizerSteps: Int?

  @Option(parsing: .unconditional, help: "Updates of the transformer (default: \(usual.transformer.steps)).")
  var transformerSteps: Int?

  @Option(parsing: .unconditional, help: "Seed of everything random (default: \(usual.seed)).")
  var seed: UInt64?

  @Flag(
    help:
      "Train the feature network that 'dd2 fid --ref shapes32' uses, and its reference statistics, instead.")
  var features = false

  @Option(parsing: .unconditional, help: "Updates of the feature network (default: \(featureDefaults.training.steps)).")
  var featureSteps: Int?

  private static let usual = TeacherTrainingConfiguration()
  private static let featureDefaults = FeatureNetTrainingConfiguration()

  static let trains = true

  var computing: DeviceOptions { devices.all }

  private var location: RunOptions { running.location }

  func validate() throws {
    try Requirement.positive(tokenizerSteps, "--tokenizer-steps")
    try Requirement.positive(transformerSteps, "--transformer-steps")
    try Requirement.positive(featureSteps, "--feature-steps")
    if running.dryRun, location.resume {
      throw ValidationError("--dry-run describes a new run; leave out --resume")
    }
    if features { return try validateFeatures() }
    if featureSteps != nil { throw ValidationError("--feature-steps needs --features") }
    if data.tokens != nil { try validateTokens() }
    guard location.resume || (data.tokens == nil) == (tokenizer == nil) else {
      throw ValidationError("--tokens needs --tokenizer, the teacher that encoded them, and --tokenizer needs --tokens")
    }
  }

  private func validateFeatures() throws {
    let isTeachers = [data.data, data.tokens, tokenizer].contains { $0 != nil } || family != nil
    guard !isTeachers, !sizes.isGiven, tokenizerSteps == nil, transformerSteps == nil, !running.dryRun else {
      throw ValidationError(
        "--features takes none of --data, --family, --tokens, --dry-run, sizes and steps of a teacher; leave them out")
    }
  }

  private func validateTokens() throws {
    let others = [("--family", family != nil), ("--tokenizer-steps", tokenizerSteps != nil)]
    guard let other = others.first(where: \.1)?.0 ?? sizes.tokenizerOption else { return }
    throw ValidationError("--tokens is of a tokenizer that is trained already; leave out \(other)")
  }

  func run() throws { if features { try trainFeatures() } else { try trainTeacher() } }

  // MARK: A teacher

  private func trainTeacher() throws {
    let recorded = try location.resume ? recordedSettings() : nil
    if data.tokens != nil || recorded?.tokens != nil {
      try trainTransformer(resuming: recorded)
    } else {
      try trainBoth(resuming: recorded)
    }
  }

  /// Tokenizer and transformer, from images.
  private func trainBoth(resuming recorded: TeacherTrainingConfiguration?) throws {
    var settings = try recorded ?? newSettings()
    if let folder = data.data { settings.data = folder }
    let family = settings.teacher.family
    let images = try data.images(
      settings.data, for: settings.teacher, known: KnownClasses(count: recorded == nil ? nil : family.classCount),
      recorded: settings.images)
    settings.images = images.record
    if recorded == nil { settings.teacher = family.replacing(classCount: images.source.classNames.count) }
    try train(settings, notes: images.logNotes) { try $0.run(data: images.source) }
  }

  /// The transformer alone, from tokens.
  private func trainTransformer(resuming recorded: TeacherTrainingConfiguration?) throws {
    let tokens = try trainingTokens(recorded?.tokens)
    var settings = try recorded ?? newSettings(tokens)
    (settings.tokens, settings.data) = (tokens.record, tokens.record.file.path)
    try train(settings, notes: {}) { try $0.run(tokens: tokens) }
  }

  private func train(
    _ settings: TeacherTrainingConfiguration, notes: () -> Void, _ body: (TeacherPipeline) throws -> String
  ) throws {
    try settings.check()
    for stage in settings.stages { try UnevenBatch.check(stage.settings.batch, "\(stage.name) batch", isFixed: true) }
    if running.dryRun {
      notes()
      return try Console.result(TeacherTrainingPlan(settings).lines.joined(separator: "\n"))
    }
    let folder = try location.folder(purpose: "teacher")
    notes()
    let path = try location.supervised(folder: folder) { interrupt, observer in
      let plan = try TeacherTrainingPlan(settings)
      for line in plan.lines { Log.info(line) }
      return try body(
        TeacherPipeline(
          settings, folder: folder, command: commandLine, trial: plan.trial, interrupt: interrupt, observer: observer))
    }
    location.report(folder: folder)
    try Console.result(path)
  }

  private func newSettings() throws -> TeacherTrainingConfiguration {
    let sizes = try sizes.applied(to: (family ?? .var).sizes)
    try sizes.check()
    return TeacherTrainingConfiguration(
      teacher: sizes.configuration(classCount: 1), tokenizerSteps: tokenizerSteps ?? Self.usual.tokenizer.steps,
      transformerSteps: transformerSteps ?? Self.usual.transformer.steps, seed: seed ?? Self.usual.seed,
      data: data.data ?? DataOptions.builtIn)
  }

  private func newSettings(_ tokens: TrainingTokens) throws -> TeacherTrainingConfiguration {
    let teacher = tokens.tokenizer.configuration
    let sizes = try sizes.applied(to: TeacherFamilyName(of: teacher).sizes)
    try sizes.checkTransformer()
    return TeacherTrainingConfiguration(
      teacher: sizes.configuration(over: teacher, classCount: tokens.classCount), tokens: tokens.record,
      transformerSteps: transformerSteps ?? Self.usual.transformer.steps, seed: seed ?? Self.usual.seed)
  }

  /// The tokens that are asked for, or those of the run to resume, which may have moved.
  private func trainingTokens(_ recorded: TrainingTokens.Record?) throws -> TrainingTokens {
    let (file, name) = (data.tokens ?? recorded?.file.path, tokenizer ?? recorded?.tokenizer.path)
    guard let file, let name else { preconditionFailure("validate() lets no other pass") }
    try recorded?.file.requireUnchanged(at: file)
    try recorded?.tokenizer.requireUnchanged(at: TeacherOptions.path(of: name))
    return try TrainingTokens(file, tokenizer: TeacherOptions.load(name), named: name)
  }

  /// The settings of the run to resume.
  /// - Throws: `CommandFailure` where another value is given for one.
  private func recordedSettings() throws -> TeacherTrainingConfiguration {
    let folder = try location.folder(purpose: "teacher")
    let recorded = try ProcessGroup.current.fromFirst { try TeacherPipeline.recorded(in: folder) }
    if let family {
      try location.requireSame(
        "--family", given: family.title, recorded: recorded.teacher.family.name)
    }
    if let other = recorded.tokens == nil ? givenTokens : data.data.map({ _ in "--data" }) {
      throw CommandFailure(
        .usage, "\(other) is not what the run was begun with; leave it out to resume, or start a new run")
    }
    try sizes.requireSame(as: TrainingSizes(of: recorded.teacher), in: location)
    try location.requireSame("--tokenizer-steps", given: tokenizerSteps, recorded: recorded.tokenizer.steps)
    try location.requireSame(
      "--transformer-steps", given: transformerSteps, recorded: recorded.transformer.steps)
    try location.requireSame("--seed", given: seed, recorded: recorded.seed)
    return recorded
  }

  /// The first of the options of tokens that is given.
  private var givenTokens: String? { data.tokens != nil ? "--tokens" : tokenizer != nil ? "--tokenizer" : nil }

  // MARK: The feature network

  private func trainFeatures() throws {
    guard ProcessGroup.current.isAlone else {
      throw CommandFailure(.usage, "--features trains in one process; run it without mpirun or srun")
    }
    let folder = try location.folder(purpose: "features")
    let settings = try location.resume ? resumedFeatureSettings(in: folder) : newFeatureSettings()
    let paths = try location.supervised(folder: folder) { interrupt, observer in
      try FeatureNetPipeline(
        settings, folder: folder, command: commandLine, interrupt: interrupt, observer: observer
      ).run()
    }
    try Console.result(paths.network + "\n" + paths.statistics)
  }

  private func newFeatureSettings() -> FeatureNetTrainingConfiguration {
    FeatureNetTrainingConfiguration(
      steps: featureSteps ?? Self.featureDefaults.training.steps, seed: seed ?? Self.featureDefaults.seed)
  }

  private func resumedFeatureSettings(in folder: String) throws -> FeatureNetTrainingConfiguration {
    let recorded = try FeatureNetPipeline.recorded(in: folder)
    try location.requireSame("--feature-steps", given: featureSteps, recorded: recorded.training.steps)
    try location.requireSame("--seed", given: seed, recorded: recorded.seed)
    return recorded
  }
}

/// The families that can be trained.
enum TeacherFamilyName: String, ExpressibleByArgument, CaseIterable {
  case `var`
  case llamagen

  /// The family of a teacher.
  init(of teacher: TeacherConfiguration) {
    switch teacher {
    case .nextScale: self = .var
    case .nextToken: self = .llamagen
    }
  }

  /// The sizes where none are given.
  var sizes: TrainingSizes {
    switch self {
    case .var: .nextScale
    case .llamagen: .nextToken
    }
  }

  /// The family's name.
  var title: String { sizes.configuration(classCount: 1).family.name }
}
