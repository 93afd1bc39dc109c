import ArgumentParser
import Artifacts
import Distillation

extension DistillationPreset: ExpressibleByArgument {}

/// A setting that the command line or a file gives a value.
struct Assignment {
  let path: String
  let text: String
  /// What errors call it, such as `--batch`.
  let name: String
  /// Whether it is an error that the setting has no effect: a file may state all of them.
  let wantsEffect: Bool

  /// What an option gives; nil where it is not given.
  static func option(_ name: String, _ path: String, _ text: String?) -> Assignment? {
    text.map { Assignment(path: path, text: $0, name: name, wantsEffect: true) }
  }
}

extension ArgumentHelp {
  /// The help of an option for a setting, from the setting's definition.
  static func setting(_ path: String, _ valueName: String = "value") -> ArgumentHelp {
    guard let key = try? DistillationConfiguration.key(path) else { preconditionFailure("no setting \(path)") }
    return ArgumentHelp("\(key.help) (default: \(key.usualText))", valueName: valueName)
  }
}

/// The settings of a distillation that people change from run to run; all others by name.
struct DistillationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Settings to begin with, see 'dd2 presets' (default: \(DistillationPreset.shapes32VAR.rawValue) for a VAR, "
        + "\(DistillationPreset.shapes32LlamaGen.rawValue) for a LlamaGen).", valueName: "name"))
  var preset: DistillationPreset?

  @Option(
    help: ArgumentHelp(
      "Settings in YAML, as 'dd2 presets NAME' prints them, or a run's config.json; they take the place of the preset's.",
      valueName: "file"), completion: .file())
  var config: String?

  @Option(
    name: .customLong("set"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A setting by its name, such as stage2.score_updates=8; takes the place of the file's.", valueName: "name=value"))
  var sets: [String] = []

  @Option(parsing: .unconditional, help: .setting("seed"))
  var seed: String?

  @Option(help: .setting("method", "dd2|dd1"))
  var method: String?

  @Option(help: .setting("stage2.loss", "sid|dmd"))
  var loss: String?

  @Option(help: .setting("start", "file"), completion: .file())
  var start: String?

  @Option(parsing: .unconditional, help: .setting("batch"))
  var batch: String?

  @Option(name: .customLong("generator-lr"), parsing: .unconditional, help: .setting("stage2.generator_learning_rate"))
  var generatorLearningRate: String?

  @Option(name: .customLong("score-lr"), parsing: .unconditional, help: .setting("stage2.score_learning_rate"))
  var scoreLearningRate: String?

  /// What the file, `--set` and the options give, each taking the place of those before.
  /// - Throws: `ArtifactError` for a file that is none of settings, `ValidationError` for a `--set` without a value.
  func assignments() throws -> [Assignment] {
    let file = try config.map { path in
      try SettingTree(file: path).settings.map {
        Assignment(path: $0.path, text: $0.text, name: "\(path): \($0.path)", wantsEffect: false)
      }
    }
    return try (file ?? []) + sets.map(Self.assignment)
      + [
        .option("--seed", "seed", seed), .option("--method", "method", method), .option("--start", "start", start),
        .option("--loss", "stage2.loss", loss), .option("--batch", "batch", batch),
        .option("--generator-lr", "stage2.generator_learning_rate", generatorLearningRate),
        .option("--score-lr", "stage2.score_learning_rate", scoreLearningRate),
      ].compactMap { $0 }
  }

  private static func assignment(_ word: String) throws -> Assignment {
    guard let equals = word.firstIndex(of: "="), equals > word.startIndex else {
      throw ValidationError("--set is '\(word)'; give a setting and its value, such as --set stage2.score_updates=8")
    }
    let (path, text) = (String(word[..<equals]), String(word[word.index(after: equals)...]))
    return Assignment(path: path, text: text, name: "--set: \(path)", wantsEffect: true)
  }
}

/// What FID is measured against while a run goes on, how often and on how many images.
struct InRunFIDOptions: ParsableArguments {
  @Option(name: .customLong("ref"), help: .setting("fid.reference", "name|file"), completion: .file())
  var reference: String?

  @Option(parsing: .unconditional, help: .setting("fid.every"))
  var evaluateEvery: String?

  @Option(parsing: .unconditional, help: .setting("fid.count"))
  var evaluateCount: String?

  var assignments: [Assignment] {
    [
      .option("--ref", "fid.reference", reference), .option("--evaluate-every", "fid.every", evaluateEvery),
      .option("--evaluate-count", "fid.count", evaluateCount),
    ].compactMap { $0 }
  }
}

extension GuidanceOptions {
  var assignments: [Assignment] {
    [
      .option("--cfg", "guidance.cfg", cfg?.settingText),
      .option("--temperature", "guidance.temperature", temperature?.settingText),
      .option("--top-k", "guidance.top_k", topK?.settingText), .option("--top-p", "guidance.top_p", topP?.settingText),
    ].compactMap { $0 }
  }
}

extension DataOptions {
  var assignments: [Assignment] {
    [
      .option("--data", "data", data), .option("--tokens", "tokens", tokens),
      .option("--classes", "classes", classes.classes),
      .option("--crop", "crop", crop.crop?.rawValue),
    ].compactMap { $0 }
  }
}
