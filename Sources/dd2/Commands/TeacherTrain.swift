import ArgumentParser
import Artifacts
import Datasets
import Distillation

/// `dd2 teacher train`: tokenizer and transformer, or the feature network that scores shapes32.
struct TeacherTrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a teacher from images, or the network that scores shapes32.",
    discussion: """
      Prints the path of the finished file. The teacher is of the VAR family, for images of 32 x 32 pixels. \
      An interrupted run (Ctrl-C) saves a checkpoint and continues with --resume.
      """)

  @OptionGroup var location: RunOptions
  @OptionGroup var data: DataOptions

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

  @Option(parsing: .unconditional, help: "Updates of the feature network (default: \(defaultFeatureSteps)).")
  var featureSteps: Int?

  private static let defaultFeatureSteps = 1500
  private static let defaultSeed: UInt64 = 1

  func validate() throws {
    try Requirement.positive(tokenizerSteps, "--tokenizer-steps")
    try Requirement.positive(transformerSteps, "--transformer-steps")
    try Requirement.positive(featureSteps, "--feature-steps")
    if features {
      guard data.data == nil, tokenizerSteps == nil, transformerSteps == nil, !location.resume else {
        throw ValidationError(
          "--features takes none of --data, --tokenizer-steps, --transformer-steps and --resume; leave them out"
        )
      }
    } else if featureSteps != nil {
      throw ValidationError("--feature-steps needs --features")
    }
  }

  func run() throws { if features { try trainFeatures() } else { try trainTeacher() } }

  private func trainTeacher() throws {
    let folder = try location.folder(purpose: "teacher")
    let settings = try location.resume ? resumedSettings(in: folder) : newSettings()
    let images = try DataOptions.source(settings.data, side: settings.teacher.imageSide)
    let path = try location.supervised(folder: folder) { interrupt, observer in
      try TeacherPipeline(
        settings, folder: folder, command: commandLine, interrupt: interrupt, observer: observer)(
          data: images)
    }
    try Console.result(path)
  }

  private func newSettings() throws -> TeacherTrainingConfiguration {
    var settings = TeacherTrainingConfiguration(data: data.data ?? DataOptions.builtIn)
    let images = try DataOptions.source(settings.data, side: settings.teacher.imageSide)
    settings = TeacherTrainingConfiguration(
      teacher: settings.teacher.replacing(classCount: images.classNames.count),
      tokenizerSteps: tokenizerSteps ?? settings.tokenizer.steps,
      transformerSteps: transformerSteps ?? settings.transformer.steps, seed: seed ?? Self.defaultSeed,
      data: settings.data)
    return settings
  }

  private func resumedSettings(in folder: String) throws -> TeacherTrainingConfiguration {
    let recorded: TeacherTrainingConfiguration = try RunDirectory.open(folder + "/perceptual").config()
    try location.requireSame("--tokenizer-steps", given: tokenizerSteps, recorded: recorded.tokenizer.steps)
    try location.requireSame(
      "--transformer-steps", given: transformerSteps, recorded: recorded.transformer.steps)
    try location.requireSame("--seed", given: seed, recorded: recorded.seed)
    try location.requireSame("--data", given: data.data, recorded: recorded.data)
    return recorded
  }

  private func trainFeatures() throws {
    let folder = try location.folder(purpose: "features")
    let paths = try location.supervised(folder: folder) { interrupt, observer in
      try FeatureNetPipeline(
        steps: featureSteps ?? Self.defaultFeatureSteps, seed: seed ?? Self.defaultSeed, folder: folder,
        command: commandLine, interrupt: interrupt, observer: observer)()
    }
    try Console.result(paths.network + "\n" + paths.statistics)
  }
}

extension TeacherConfiguration {
  /// Rows and columns of the teacher's images.
  var imageSide: Int {
    switch self {
    case .nextScale(_, let tokenizer): tokenizer.imageSide
    }
  }

  /// The same teacher for another number of classes.
  func replacing(classCount: Int) -> TeacherConfiguration {
    switch self {
    case .nextScale(var transformer, let tokenizer):
      transformer.classCount = classCount
      return .nextScale(transformer: transformer, tokenizer: tokenizer)
    }
  }
}
