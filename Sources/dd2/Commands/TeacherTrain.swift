import ArgumentParser
import Artifacts
import Datasets
import Evaluation
import TeacherModels

/// `dd2 teacher train`: tokenizer and transformer, or the feature network that scores shapes32.
struct TeacherTrain: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a teacher from images, or the network that scores shapes32.",
    discussion: """
      Example: dd2 teacher train --data my-images/ --run runs/my-teacher

      Prints the path of the finished file. The teacher is for images of 32 x 32 pixels: of the VAR family, 130 \
      tokens in six scales, or of the LlamaGen family, 64 tokens one by one. \
      An interrupted run (Ctrl-C) saves a checkpoint and continues with --resume.
      """)

  @OptionGroup(title: "Run") var location: RunOptions
  @OptionGroup(title: "Images") var data: DataOptions

  @Option(help: "The teacher's family (default: \(TeacherFamilyName.var.rawValue)).")
  var family: TeacherFamilyName?

  @Option(parsing: .unconditional, help: "Updates of the tokenizer.")
  var tokenizerSteps: Int?

  @Option(parsing: .unconditional, help: "Updates of the transformer.")
  var transformerSteps: Int?

  @Option(parsing: .unconditional, help: "Seed of everything random (default: 1).")
  var seed: UInt64?

  @Flag(
    help:
      "Train the feature network that 'dd2 fid --ref shapes32' uses, and its reference statistics, instead.")
  var features = false

  @Option(parsing: .unconditional, help: "Updates of the feature network (default: \(featureDefaults.training.steps)).")
  var featureSteps: Int?

  private static let featureDefaults = FeatureNetTrainingConfiguration()
  private static let defaultSeed: UInt64 = 1

  func validate() throws {
    try Requirement.positive(tokenizerSteps, "--tokenizer-steps")
    try Requirement.positive(transformerSteps, "--transformer-steps")
    try Requirement.positive(featureSteps, "--feature-steps")
    if features {
      guard data.data == nil, family == nil, tokenizerSteps == nil, transformerSteps == nil else {
        throw ValidationError(
          "--features takes none of --data, --family, --tokenizer-steps and --transformer-steps; leave them out")
      }
    } else if featureSteps != nil {
      throw ValidationError("--feature-steps needs --features")
    }
  }

  func run() throws { if features { try trainFeatures() } else { try trainTeacher() } }

  private func trainTeacher() throws {
    var settings = try location.resume ? resumedSettings(in: location.folder(purpose: "teacher")) : newSettings()
    let family = settings.teacher.family
    let images = try data.images(
      settings.data, for: settings.teacher, known: KnownClasses(count: location.resume ? family.classCount : nil),
      recorded: settings.images)
    settings.images = images.record
    if !location.resume { settings.teacher = family.replacing(classCount: images.source.classNames.count) }
    let folder = try location.folder(purpose: "teacher")
    images.logNotes()
    let path = try location.supervised(folder: folder) { interrupt, observer in
      try TeacherPipeline(
        settings, folder: folder, command: commandLine, interrupt: interrupt, observer: observer
      ).run(data: images.source)
    }
    try Console.result(path)
  }

  private func newSettings() -> TeacherTrainingConfiguration {
    let usual = TeacherTrainingConfiguration()
    return TeacherTrainingConfiguration(
      teacher: (family ?? .var).builtIn, tokenizerSteps: tokenizerSteps ?? usual.tokenizer.steps,
      transformerSteps: transformerSteps ?? usual.transformer.steps, seed: seed ?? Self.defaultSeed,
      data: data.data ?? DataOptions.builtIn)
  }

  private func resumedSettings(in folder: String) throws -> TeacherTrainingConfiguration {
    let recorded = try TeacherPipeline.recorded(in: folder)
    if let family {
      try location.requireSame(
        "--family", given: family.builtIn.family.name, recorded: recorded.teacher.family.name)
    }
    try location.requireSame("--tokenizer-steps", given: tokenizerSteps, recorded: recorded.tokenizer.steps)
    try location.requireSame(
      "--transformer-steps", given: transformerSteps, recorded: recorded.transformer.steps)
    try location.requireSame("--seed", given: seed, recorded: recorded.seed)
    var settings = recorded
    if let folder = data.data { settings.data = folder }
    return settings
  }

  private func trainFeatures() throws {
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

/// The families that have a built-in teacher.
enum TeacherFamilyName: String, ExpressibleByArgument, CaseIterable {
  case `var`
  case llamagen

  /// The built-in teacher's sizes.
  var builtIn: TeacherConfiguration {
    switch self {
    case .var: .shapes32
    case .llamagen: .shapes32LlamaGen
    }
  }
}
