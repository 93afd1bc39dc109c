import ArgumentParser
import Distillation

/// `dd2 presets`: the settings to begin a distillation with.
struct Presets: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List presets, or print all settings of one as YAML to edit and give back.",
    discussion: """
      Example: dd2 presets shapes32-var > mine.yaml

      'dd2 distill --config mine.yaml' takes the file.
      """)

  @Argument(help: ArgumentHelp("The preset to print.", valueName: "name"))
  var preset: DistillationPreset?

  @Flag(help: "Print a table of all settings in Markdown, as in docs/settings.md.")
  var markdown = false

  func validate() throws {
    if markdown, preset != nil { throw ValidationError("--markdown prints the settings of all presets; name none") }
  }

  func run() throws {
    if markdown { return try Console.result(Self.page) }
    guard let preset else {
      let rows = DistillationPreset.allCases.map { preset in
        let teacher = preset.bundledTeacher.map { "\($0), bundled" } ?? "a file, see docs/your-data.md"
        return [preset.rawValue, teacher, preset.isTested ? "yes" : "no, scaled from shapes32's"]
      }
      return try Console.result(TextTable([["PRESET", "TEACHER", "TRIED"]] + rows).description)
    }
    var settings = preset.configuration
    // A published teacher is a file that nobody has by default: never the bundled one in its place.
    settings.teacher = preset.bundledTeacher ?? preset.rawValue + ".h5"
    try Console.result(
      settings.yaml(title: "Settings of the preset \(preset.rawValue), for dd2 distill --config FILE"))
  }

  /// The page of the documentation.
  private static let page = """
    # Settings of `dd2 distill`

    Generated from `Sources/Distillation/Settings/DistillationSchema.swift` by `dd2 presets --markdown`.
    `--set NAME=VALUE` gives one, `--config FILE` a YAML file of some or all, or a run's `config.json`;
    `dd2 presets NAME` prints those of a preset to begin with. Where a preset has another default, it stands behind the usual
    one; 'published' are the presets of published teachers, var-d16 to llamagen-l.

    \(DistillationConfiguration.markdown)
    """
}
