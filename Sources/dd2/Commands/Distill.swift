import ArgumentParser
import Artifacts
import Backbone
import Datasets
import Distillation
import Foundation
import Sampling
import TeacherModels
import Training

/// `dd2 distill`: turns a teacher into a one-step generator.
struct Distill: ComputingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Distil a teacher into a generator that draws an image in one network call.",
    discussion: """
      Runs stage 1 if the run has none yet, the warm start if asked for, then stage 2, and prints the path of the \
      generator file. An interrupted run (Ctrl-C) saves a checkpoint and continues with --resume, added to the command \
      that began it or with --steps and --run alone; a finished one is prolonged by --resume with more --steps.
      """)

  @Option(parsing: .unconditional, help: "Generator updates of stage 2, or of dd1, in all.")
  var steps: Int

  @OptionGroup var teacher: TeacherOptions
  @OptionGroup var location: RunOptions
  @OptionGroup var data: DataOptions
  @OptionGroup var options: DistillationOptions
  @OptionGroup var guidance: GuidanceOptions
  @OptionGroup var scoring: InRunFIDOptions

  func validate() throws {
    try Requirement.atLeast(0, steps, "--steps")
    if let preset = options.preset, !preset.isTested, teacher.teacher == nil, !location.resume {
      throw ValidationError("--preset \(preset.rawValue) needs the teacher's file: give --teacher")
    }
    // A resumed run may have a reference already.
    if data.givesOthers, !location.resume { try scoring.requireReference() }
  }

  func run() throws {
    let recorded = try location.resume ? record() : nil
    // Wrong options are told before the teacher is read, where its name alone gives the preset.
    if recorded == nil, let namedPreset { _ = try settings(over: nil, preset: namedPreset) }
    let teacher = try teacher(recorded)
    let preset = namedPreset ?? .usual(for: teacher.configuration)
    let asked = try settings(over: recorded?.settings, preset: preset)
    if recorded == nil { try requireImages(of: teacher) }
    var settings = try reading(files: asked, teacher: teacher)
    if let recorded { settings = try resumed(recorded.settings, asked: settings) }
    _ = try teacher.teacher.layout.parts(settings.adaptation.parts)
    let images = try data.images(
      settings.data, side: teacher.teacher.imageSide, known: KnownClasses(of: teacher), recorded: settings.images)
    settings.images = images.record
    let scorer = try scoring.scorer(settings, side: teacher.teacher.imageSide)
    let folder = try location.folder(purpose: "distill")
    if recorded == nil { Self.tell(preset) }
    images.tell()
    let path = try location.supervised(folder: folder) { interrupt, observer in
      try DistillationPipeline(
        settings, teacher: teacher, scorer: scorer, folder: folder, command: commandLine,
        interrupt: interrupt,
        observer: observer)(data: images.source)
    }
    try Console.result(path)
  }

  private func record() throws -> DistillationRecord {
    let run = try RunDirectory.open(try location.folder(purpose: "distill"))
    return try run.recordedSettings()
  }

  /// - Throws: `CommandFailure` where the teacher learned from other images than the built-in ones, or does not say from
  ///   which, and --data does not say which to take: stage 1 would train on images that it has never seen.
  private func requireImages(of teacher: TeacherFile.Loaded) throws {
    guard data.data == nil, teacher.trainingData != DataOptions.builtIn else { return }
    let learned = teacher.trainingData.map { "has learned from \($0); give --data with that folder" }
    throw CommandFailure(
      .usage,
      "\(teacher.path): " + (learned ?? "does not say what images it has learned; give --data with them")
        + " or another of its kind")
  }

  /// The preset that is named, or that of a bundled teacher, which has its name; nil where the teacher's file decides.
  private var namedPreset: DistillationPreset? {
    options.preset ?? DistillationPreset(rawValue: teacher.teacher ?? DistillationPreset.shapes32VAR.rawValue)
  }

  private static func tell(_ preset: DistillationPreset) {
    if preset.isTested {
      Log.info("settings of the preset \(preset.rawValue)")
    } else {
      Log.warning("the settings of \(preset.rawValue) are scaled from shapes32's and untested")
    }
  }

  /// What the options ask for, over the settings of the run to resume or those of a preset.
  private func settings(
    over recorded: DistillationConfiguration?, preset: DistillationPreset
  ) throws -> DistillationConfiguration {
    let begun = preset.configuration(steps: recorded?.steps ?? steps)
    var settings = try options.applied(to: options.preset == nil ? recorded ?? begun : begun)
    settings.guidance = guidance.applied(to: settings.guidance)
    if let folder = data.data { settings.data = folder }
    settings.images = recorded?.images
    return settings
  }

  /// `settings` with what the files of --ref, --start, --pairs-from and --stage1-from say of themselves.
  private func reading(
    files settings: DistillationConfiguration, teacher: TeacherFile.Loaded
  ) throws -> DistillationConfiguration {
    let scored = try scoring.applied(to: settings, readsOtherImages: data.givesOthers)
    let started = try options.start.map { try Self.starting(scored, from: $0, teacher: teacher) } ?? scored
    let paired = try options.pairsFrom.map { try drawingPairs(started, with: $0, teacher: teacher) } ?? started
    return try options.stage1From.map { try Self.taking(stage1Of: $0, by: paired, teacher: teacher) } ?? paired
  }

  /// The run's own settings, with another number of steps or another place of the images and of what FID is measured
  /// against: the command that began it may be repeated, in part or whole.
  private func resumed(
    _ recorded: DistillationConfiguration, asked: DistillationConfiguration
  ) throws -> DistillationConfiguration {
    var recorded = recorded
    if let folder = data.data { recorded.data = folder }
    if recorded.reference?.hash == asked.reference?.hash { recorded.reference = asked.reference }
    if recorded.referenceWeights?.hash == asked.referenceWeights?.hash {
      recorded.referenceWeights = asked.referenceWeights
    }
    guard asked == recorded else { throw try Self.refusal(asked: asked, recorded: recorded) }
    let done = try RunDirectory.open(try location.folder(purpose: "distill")).latestCheckpoint()?.step ?? 0
    guard steps >= done else {
      throw CommandFailure(.usage, "--steps is \(steps), and the run has made \(done) already; give \(done) or more")
    }
    if recorded.method == .dd1, recorded.steps != steps {
      Log.warning(
        "dd1's learning rate falls over all of --steps: going on from \(recorded.steps) to \(steps) raises it again, and "
          + "the result is not that of one run of \(steps)")
    }
    var settings = recorded
    settings.steps = steps
    return settings
  }

  /// The settings of a run that starts from a generator: its structure is the file's.
  private static func starting(
    _ settings: DistillationConfiguration, from path: String, teacher: TeacherFile.Loaded
  ) throws -> DistillationConfiguration {
    let description = try GeneratorFile.read(path, teacher: teacher).description
    var settings = settings
    settings.startFile = try RecordedFile(at: path)
    settings.warmStart = .none
    settings.head = description.head
    settings.adaptation = description.adaptation ?? GeneratorAdaptation()
    return settings
  }

  /// The settings of a run whose pairs a generator draws: it stands for the distribution that it has learned.
  private func drawingPairs(
    _ settings: DistillationConfiguration, with path: String, teacher: TeacherFile.Loaded
  ) throws -> DistillationConfiguration {
    let learned = try GeneratorFile.read(path, teacher: teacher).description.guidance
    guard !guidance.isGiven || settings.guidance == learned else {
      throw CommandFailure(
        .usage, "\(path): has learned another guidance than the one given; leave out --cfg and the like to take its own"
      )
    }
    var settings = settings
    settings.guidance = learned
    settings.pairsFile = try RecordedFile(at: path)
    return settings
  }

  /// The settings of a run that takes another's stage 1.
  private static func taking(
    stage1Of run: String, by settings: DistillationConfiguration, teacher: TeacherFile.Loaded
  ) throws -> DistillationConfiguration {
    guard let stage1 = try FinishedStage1(ofRun: run) else {
      throw CommandFailure(.usage, "\(run): its stage 1 is not done; resume that run first, or leave out --stage1-from")
    }
    let names = stage1.differences(from: settings, teacherHash: teacher.hash).joined(separator: ", ")
    guard names.isEmpty else {
      throw CommandFailure(
        .usage, "\(run): its stage 1 is of another \(names); give what it was trained for, or leave out --stage1-from")
    }
    return stage1.taken(by: settings)
  }

  /// The teacher asked for, in a resumed run the one that it began with.
  private func teacher(_ recorded: DistillationRecord?) throws -> TeacherFile.Loaded {
    guard let recorded else {
      return try (teacher.teacher ?? options.preset?.bundledTeacher).map { try TeacherOptions.load($0) }
        ?? teacher.load()
    }
    let loaded = try TeacherOptions.load(teacher.teacher ?? recorded.teacher)
    guard loaded.hash == recorded.teacherHash else {
      throw CommandFailure(
        .badData,
        "\(loaded.path): is not the teacher that the run began with (hash \(recorded.teacherHash.prefix(12))); "
          + "give that one with --teacher")
    }
    return loaded
  }

  /// The options that name another run's file, by the setting that records it.
  private static let fileOptions = [
    "pairsFile": "--pairs-from", "reference": "--ref", "referenceWeights": "--ref-weights",
    "stage1File": "--stage1-from", "startFile": "--start",
  ]

  /// The refusal of settings that are not those of the run to resume: names those that differ, and says what to do.
  private static func refusal(
    asked: DistillationConfiguration, recorded: DistillationConfiguration
  ) throws -> CommandFailure {
    let (given, kept) = (try fields(of: asked), try fields(of: recorded))
    let names = Set(given.keys).union(kept.keys).filter { given[$0] != kept[$0] }.sorted()
    // Beside a preset, which begins anew, the files that the run took are missing unless they are given too.
    let missing = names.filter { given[$0] == nil }.map { fileOptions[$0] ?? $0 }
    let advice =
      missing.isEmpty
      ? "leave out what you gave for it" : "give \(missing.joined(separator: " and ")) again or leave out --preset"
    return CommandFailure(
      .usage, "the run to resume has another \(names.joined(separator: ", ")); \(advice), or start a new run")
  }

  private static func fields(of value: DistillationConfiguration) throws -> [String: NSObject] {
    try JSONSerialization.jsonObject(with: try JSONEncoder().encode(value)) as? [String: NSObject] ?? [:]
  }
}
