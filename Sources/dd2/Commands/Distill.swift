import ArgumentParser
import Artifacts
import Distillation
import Processes

/// `dd2 distill`: turns a teacher into a one-step generator.
struct Distill: SpreadCommand {
  static let configuration = CommandConfiguration(
    abstract: "Distil a teacher into a generator that draws an image in one network call.",
    discussion: """
      Example: dd2 distill --steps 50 --teacher shapes32-llamagen --cfg 3 --set stage1.steps=200

      Runs all stages that the settings want and prints the path of the generator. An interrupted run (Ctrl-C) saves a \
      checkpoint and continues with --resume --run DIR; a finished one is prolonged by --resume with more --steps. \
      'dd2 presets' and docs/settings.md list all settings.
      """,
    aliases: ["distil"])

  /// The run itself.
  struct Running: ParsableArguments {
    @Option(parsing: .unconditional, help: .setting("steps"))
    var steps: String?

    @OptionGroup var location: RunOptions

    @Flag(help: "Do nothing but say what would be done: settings, networks, memory, time.")
    var dryRun = false
  }

  @OptionGroup(title: "Run") var running: Running
  @OptionGroup(title: "Teacher and images") var teacher: TeacherOptions
  @OptionGroup(title: "Teacher and images") var data: DataOptions
  @OptionGroup(title: "Settings") var options: DistillationOptions
  @OptionGroup(title: "Guidance of the teacher, which the generator learns") var guidance: GuidanceOptions
  @OptionGroup var devices: TrainingDeviceOptions
  @OptionGroup(title: "FID while the run goes on") var scoring: InRunFIDOptions

  static let trains = true

  var computing: DeviceOptions { devices.all }

  private var location: RunOptions { running.location }

  func validate() throws {
    if running.dryRun, location.resume {
      throw ValidationError("--dry-run describes a new run; leave out --resume")
    }
  }

  func run() throws {
    let recorded = try location.resume ? record() : nil
    let request = try DistillationRequest(preset: options.preset, try assignments(), resuming: recorded)
    if running.dryRun { return try DryRun(request).show() }
    if recorded != nil { try requireSteps(request.record.settings.steps) }
    let (record, source, notes, scorer) = try request.prepare()
    let folder = try location.folder(purpose: "distill")
    if let preset = request.preset { Self.announce(preset) }
    for note in notes { Log.info(note) }
    let path = try location.supervised(folder: folder) { interrupt, observer in
      try DistillationPipeline(
        record, teacher: request.teacher, scorer: scorer, folder: folder, command: commandLine,
        interrupt: interrupt, observer: observer
      ).run(source)
    }
    location.report(folder: folder)
    try Console.result(path)
  }

  private func assignments() throws -> [Assignment] {
    let teacher = Assignment.option("--teacher", "teacher", teacher.teacher)
    let steps = Assignment.option("--steps", "steps", running.steps)
    return try options.assignments() + data.assignments + guidance.assignments + scoring.assignments
      + [teacher, steps].compactMap { $0 }
  }

  private func record() throws -> DistillationRecord {
    let folder = try location.folder(purpose: "distill")
    return try ProcessGroup.current.fromFirst { try RunDirectory.open(folder).recordedSettings() }
  }

  /// - Throws: `CommandFailure` where the run to resume has made more steps already.
  private func requireSteps(_ steps: Int) throws {
    let folder = try location.folder(purpose: "distill")
    let done = try ProcessGroup.current.fromFirst {
      try RunDirectory.open(folder).latestCheckpoint()?.step ?? 0
    }
    guard steps >= done else {
      throw CommandFailure(.usage, "--steps is \(steps), and the run has made \(done) already; give \(done) or more")
    }
  }

  private static func announce(_ preset: DistillationPreset) {
    if preset.isTested {
      Log.info("settings of the preset \(preset.rawValue)")
    } else {
      Log.warning("the settings of \(preset.rawValue) are scaled from shapes32's and untested")
    }
  }
}
