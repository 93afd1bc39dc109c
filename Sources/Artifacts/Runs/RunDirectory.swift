import Foundation

/// The folder of one run: `config.json`, `metrics.jsonl`, TensorBoard events, `checkpoints/step-N.h5` and
/// `snapshots/step-N.png`.
public struct RunDirectory: Sendable, Equatable {
  /// The folder.
  public let path: String

  /// A folder, whatever is there.
  public init(path: String) { self.path = path }

  /// The settings.
  public var configPath: String { file("config.json") }
  /// The record of every start.
  public var startsPath: String { file("starts.jsonl") }
  /// The log of metrics.
  public var metricsPath: String { file("metrics.jsonl") }
  /// The folder of checkpoints.
  public var checkpointsPath: String { file("checkpoints") }
  /// The folder of picture grids.
  public var snapshotsPath: String { file("snapshots") }

  /// Makes the folder of a new run and writes its configuration.
  ///
  /// Throws `ArtifactError.cannotCreate`, also if a run is there already.
  public static func create(_ path: String, config: some Encodable) throws -> RunDirectory {
    let run = RunDirectory(path: path)
    guard !FileAccess.exists(run.configPath) else {
      throw ArtifactError.cannotCreate(path: path, detail: "a run is there already; resume it")
    }
    try run.makeFolders()
    try run.writeConfig(config)
    return run
  }

  /// Makes the folders of checkpoints and snapshots where they are missing. Throws `ArtifactError.cannotCreate`.
  public func makeFolders() throws {
    try FileAccess.makeFolder(checkpointsPath)
    try FileAccess.makeFolder(snapshotsPath)
  }

  /// Opens the folder of an existing run. Throws `ArtifactError.missingFile` if it holds no `config.json`.
  public static func open(_ path: String) throws -> RunDirectory {
    let run = RunDirectory(path: path)
    try FileAccess.check(run.configPath)
    return run
  }

  /// Whether a folder holds no file, as a start that failed at once leaves it: a run may begin there.
  /// - Throws: `ArtifactError.notReadable`, or `.cannotCreate` where something else than a folder is there.
  public static func isUnused(_ path: String) throws -> Bool {
    guard let kind = FileAccess.kind(path) else { return true }
    guard kind == .folder else {
      throw ArtifactError.cannotCreate(path: path, detail: "something that is no folder is there")
    }
    return try FileAccess.names(in: path).allSatisfy { name in
      if TemporaryFile.isName(name) { return true }
      let inner = path + "/" + name
      return FileAccess.isFolder(inner) ? try isUnused(inner) : false
    }
  }

  /// The run that a folder lies in as one of its stages or outputs; nil where it lies in none.
  public static func around(_ path: String) -> String? {
    // What every version has written into config.json.
    struct Record: Decodable { let command, createdBy, backend: String }
    let parent = (FileAccess.resolved(path) ?? path).pathFolder
    guard let record = try? RunDirectory(path: parent).config(as: Record.self) else { return nil }
    return record.createdBy.hasPrefix("dd2") ? parent : nil
  }

  /// Makes a new folder under `root` for a run, one that no other process has made.
  /// - Returns: its path, `defaultPath`'s or, where a run of the same second has that, with a number behind it.
  /// - Throws: `ArtifactError.cannotCreate`.
  public static func makeDefault(root: String = "runs", purpose: String, date: Date = Date()) throws -> String {
    try FileAccess.makeFolder(root)
    let first = defaultPath(root: root, purpose: purpose, date: date)
    var (path, number) = (first, 1)
    while path.withPath({ mkdir($0, 0o777) }) != 0 {
      guard errno == EEXIST else {
        throw ArtifactError.cannotCreate(path: path, detail: FileAccess.systemMessage())
      }
      number += 1
      path = "\(first)-\(number)"
    }
    return path
  }

  /// The name of a new run under `root`, such as `runs/20261123-064512-distill`, in UTC.
  public static func defaultPath(root: String = "runs", purpose: String, date: Date = Date()) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(secondsFromGMT: 0)
    formatter.dateFormat = "yyyyMMdd-HHmmss"
    return "\(root)/\(formatter.string(from: date))-\(purpose)"
  }

  /// Replaces `config.json`. Throws `ArtifactError.cannotCreate` or `.inputOutput`.
  public func writeConfig(_ config: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      try AtomicFile.write(try encoder.encode(config), to: configPath)
    } catch let error as EncodingError {
      throw ArtifactError.cannotCreate(path: configPath, detail: "a value that JSON lacks, \(error)")
    }
  }

  /// The configuration. Throws `ArtifactError.missingFile`, `.notReadable`, or `.wrongFormat` that names the
  /// offending field.
  public func config<Config: Decodable>(as type: Config.Type = Config.self) throws -> Config {
    let data = try FileAccess.contents(of: configPath)
    do {
      return try JSONDecoder().decode(type, from: data)
    } catch let error as DecodingError {
      throw ArtifactError.wrongFormat(
        path: configPath, detail: "not this run's configuration, \(error.oneLine)")
    }
  }

  /// The settings that `config.json` records, with their names and values as text.
  /// - Throws: `ArtifactError` as `config`.
  public func settingTexts() throws -> [(path: String, text: String)] {
    struct Record: Decodable { let settings: SettingTree }
    let settings = try config(as: Record.self).settings
    // A distillation's stand beside the files that they name.
    return (settings["settings"] ?? settings).settings
  }

  /// The log of metrics, open for appending. A run that resumes after `step` first drops what came later.
  /// Throws as `MetricLog`.
  public func metricLog(resumingAfter step: Int? = nil) throws -> MetricLog {
    if let step { try MetricLog.truncate(metricsPath, afterStep: step) }
    return try MetricLog(appendingTo: metricsPath)
  }

  /// A new TensorBoard event file. A run that resumes after `step` hides what came later.
  /// Throws as `TensorBoardWriter`.
  public func tensorBoardWriter(resumingAfter step: Int? = nil) throws -> TensorBoardWriter {
    try TensorBoardWriter(folder: path, resumingAt: step.map { $0 + 1 })
  }

  private func file(_ name: String) -> String { "\(path)/\(name)" }
}
