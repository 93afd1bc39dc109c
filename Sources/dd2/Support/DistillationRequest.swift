import Artifacts
import DD2Generator
import Datasets
import Distillation
import FIDEval
import NN
import Sampling
import TeacherModels
import Training

/// What a command line asks to distil: settings from preset, file and options, and the files that they name.
struct DistillationRequest {
  let record: DistillationRecord
  let teacher: TeacherFile.Loaded
  /// Whose settings the others take the place of; nil for a run that is resumed.
  let preset: DistillationPreset?
  private let given: Set<String>
  private let isScoringAsked: Bool

  /// Where FID's settings come from decides what is an error: it is asked for where one of these is given.
  private static let scoringPaths: Set = ["fid.every", "fid.count", "fid.reference"]

  /// Resolves what is asked for.
  /// - Parameters:
  ///   - preset: the one named; nil for the teacher's.
  ///   - assignments: what takes the place of its settings, in order.
  ///   - recorded: the run to resume; nil for a new one.
  /// - Throws: `SettingsError`, `CommandFailure`, and what reading files throws.
  init(preset: DistillationPreset?, _ assignments: [Assignment], resuming recorded: DistillationRecord?) throws {
    let named = try Self.settings(assignments, over: preset?.configuration ?? DistillationConfiguration()).teacher
    if let preset, !preset.isTested, named == nil, recorded == nil {
      throw CommandFailure(.usage, "--preset \(preset.rawValue) needs the teacher's file: give --teacher")
    }
    given = Set(assignments.map(\.path))
    isScoringAsked = assignments.contains { $0.wantsEffect && Self.scoringPaths.contains($0.path) }
    let name = named ?? recorded?.teacher.path ?? preset?.bundledTeacher ?? BundledModels.teachers[0].name
    // Where the preset follows from the teacher's name, wrong settings are reported before any large file is read.
    if recorded == nil, let preset = preset ?? DistillationPreset(rawValue: name) {
      _ = try Self.checked(assignments, over: preset, teacher: nil, isScoringAsked)
    }
    if let recorded { try UnevenBatch.check(recorded.settings.batch) }
    let teacher = try Self.teacher(name, resuming: recorded)
    if let recorded {
      let asked = try Self.settings(assignments, over: preset?.configuration ?? recorded.settings)
      record = try Self.resumed(recorded, asked: asked, assignments, teacher: teacher)
      self.preset = nil
    } else {
      let preset = preset ?? DistillationPreset(rawValue: name) ?? .usual(for: teacher.configuration)
      var settings = try Self.checked(assignments, over: preset, teacher: teacher, isScoringAsked)
      settings.teacher = name
      record = try Self.fresh(settings, teacher: teacher)
      self.preset = preset
    }
    for parts in [record.settings.parts, max(1, record.settings.chainParts)] {
      _ = try teacher.teacher.layout.parts(parts)
    }
    self.teacher = teacher
  }

  /// Checks what stage 1 learns from and what FID is measured against.
  /// - Returns: the record with what is known of the images, and what to say of them when the work begins.
  func prepare() throws -> (record: DistillationRecord, source: Stage1Source, notes: [String], scorer: FIDScorer?) {
    var record = record
    let (source, notes) = try prepareSource(&record)
    let scorer = try InRunFID.scorer(record, side: teacher.teacher.imageSide, isAsked: isScoringAsked)
    return (record, source, notes, scorer)
  }

  private func prepareSource(_ record: inout DistillationRecord) throws -> (Stage1Source, notes: [String]) {
    let settings = record.settings
    if let tokens = record.tokens {
      let count = try TokenFile.count(tokens.path, for: teacher)
      // Before there is a run's folder: a new run reads them soon in any case.
      if preset != nil {
        _ = try TokenFile.read(tokens.path, at: settings.trainingIndices(of: count), for: teacher.teacher)
      }
      return (.tokens(tokens), ["tokens: \(count) sequences of \(tokens.path)"])
    }
    // DD1 has no stage 1, and asks for nothing.
    guard settings.method == .dd2 else { return (.teacher, []) }
    guard let data = settings.data, data != DistillationConfiguration.ownSequences else {
      return (.teacher, ["no images: stage 1 learns sequences that the teacher draws"])
    }
    let images = try TrainingImages(
      data, preset != nil || given.contains("classes") ? ClassOptions.rule(settings.classes) : nil,
      preset != nil || given.contains("crop") ? settings.crop.flatMap(CropChoice.init(rawValue:)) : nil,
      of: teacher, recorded: record.images)
    record.images = images.record
    return (.images(images.source), images.notes)
  }

  private static func settings(
    _ assignments: [Assignment], over base: DistillationConfiguration
  ) throws -> DistillationConfiguration {
    var settings = base
    for given in assignments { try settings.set(given.path, to: given.text, named: given.name) }
    return settings
  }

  /// The settings of a new run.
  /// - Parameter teacher: nil where it is not read yet, and with it unknown what there is to learn from.
  /// - Throws: also for a setting without effect, and for FID that is asked for without anything to measure against.
  private static func checked(
    _ assignments: [Assignment], over preset: DistillationPreset, teacher: TeacherFile.Loaded?, _ isScoringAsked: Bool
  ) throws -> DistillationConfiguration {
    var settings = try settings(assignments, over: preset.configuration)
    for given in assignments where given.wantsEffect { try settings.requireEffect(of: given.path, named: given.name) }
    if let teacher, settings.data == nil, settings.tokens == nil {
      let isBuiltIn = teacher.trainingData == DataOptions.builtIn
      settings.data = isBuiltIn ? DataOptions.builtIn : DistillationConfiguration.ownSequences
    }
    let isUnknown = settings.data == nil && settings.tokens == nil
    if settings.data != DataOptions.builtIn, !isUnknown, settings.reference == nil {
      guard !isScoringAsked || settings.evaluationInterval == 0 else {
        throw CommandFailure(
          .usage,
          "FID is measured against shapes32, which is not what stage 1 learns (--data, --tokens or the teacher's own); "
            + "give --ref with a file of 'dd2 ref build', or leave out --evaluate-every and --evaluate-count")
      }
      settings.evaluationInterval = 0
    }
    try settings.check()
    try UnevenBatch.check(settings.batch)
    return settings
  }

  /// The teacher of a name or file, in a resumed run the one that it began with.
  private static func teacher(_ name: String, resuming recorded: DistillationRecord?) throws -> TeacherFile.Loaded {
    let loaded = try TeacherOptions.load(name)
    guard let began = recorded?.teacher.hash, loaded.hash != began else { return loaded }
    throw CommandFailure(
      .badData,
      "\(loaded.path): is not the teacher that the run began with (hash \(began.prefix(12))); give that one with "
        + "--teacher")
  }

  // MARK: A new run

  private static func fresh(
    _ asked: DistillationConfiguration, teacher: TeacherFile.Loaded
  ) throws -> DistillationRecord {
    var settings = asked
    var start: RecordedFile?
    if let path = settings.start {
      // What the generator is, its file says.
      let description = try GeneratorFile.read(path, teacher: teacher).description
      settings.head = description.head
      settings.adaptation = description.adaptation ?? .init()
      start = try RecordedFile(at: path)
    }
    var record = DistillationRecord(settings, teacher: teacher.file)
    record.start = start
    record.tokens = try settings.tokens.map { try RecordedFile(at: $0) }
    record.reference = try InRunFID.recordedReference(settings.reference)
    record.referenceWeights = try settings.referenceWeights.map { try RecordedFile(at: $0) }
    return record
  }

  // MARK: A run that is resumed

  /// Settings that name places, of things that may have moved, or what is read there: compared by what comes of them.
  private static let places = ["teacher", "data", "tokens", "classes", "crop", "fid.reference", "fid.weights"]

  /// Settings that may be others when a run goes on: its result follows from the other ones.
  private static let changeable = ["steps", "memory.micro_batch", "memory.recompute"]

  /// The run's own record, with another number of steps, another use of memory or another place of its files: the command that began it may be
  /// repeated, in part or whole.
  private static func resumed(
    _ recorded: DistillationRecord, asked: DistillationConfiguration, _ assignments: [Assignment],
    teacher: TeacherFile.Loaded
  ) throws -> DistillationRecord {
    var record = recorded
    // Files state all settings, and null says nothing of where the tokens come from.
    let unsaid = [("data", asked.data), ("tokens", asked.tokens)].filter { $0.1 == nil }.map(\.0)
    let given = Set(assignments.map(\.path)).subtracting(unsaid)
    record.teacher = teacher.file
    for path in places + changeable where given.contains(path) { try record.settings.copy(path, from: asked) }
    var differing = asked.differences(from: recorded.settings).filter { !(places + changeable).contains($0) }
    if given.contains("data"),
      isFolder(asked.data) != isFolder(recorded.settings.data)
        || !isFolder(asked.data) && asked.data != recorded.settings.data
    {
      differing.append("data")
    }
    func compare(_ path: String, _ began: RecordedFile?, _ now: RecordedFile?) -> RecordedFile? {
      if given.contains(path), now?.hash != began?.hash { differing.append(path) }
      return given.contains(path) && now?.hash == began?.hash ? now : began
    }
    record.tokens = compare(
      "tokens", recorded.tokens, given.contains("tokens") ? try asked.tokens.map { try RecordedFile(at: $0) } : nil)
    record.reference = compare(
      "fid.reference", recorded.reference,
      given.contains("fid.reference") ? try InRunFID.recordedReference(asked.reference) : nil)
    record.referenceWeights = compare(
      "fid.weights", recorded.referenceWeights, try asked.referenceWeights.map { try RecordedFile(at: $0) })
    guard differing.isEmpty else {
      throw CommandFailure(
        .usage,
        "the run to resume has another \(differing.joined(separator: ", ")); leave out what you gave for it (a preset "
          + "or file gives all settings), or start a new run")
    }
    if record.settings.method == .dd1, record.settings.steps != recorded.settings.steps {
      Log.warning(
        "dd1's learning rate falls over all of --steps: going on from \(recorded.settings.steps) to "
          + "\(record.settings.steps) raises it again, and the result is not that of one run of "
          + "\(record.settings.steps)")
    }
    return record
  }

  /// Whether what `data` names is a folder, which may have moved.
  private static func isFolder(_ data: String?) -> Bool {
    data != nil && data != DataOptions.builtIn && data != DistillationConfiguration.ownSequences
  }
}
