import ArgumentParser
import Artifacts
import Foundation
import Reporting

/// Commands about the folders of runs.
struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs", abstract: "List runs, and free what finished ones do not need.",
    subcommands: [RunsList.self, RunsClean.self], defaultSubcommand: RunsList.self)
}

/// `dd2 runs`: a line for each run.
struct RunsList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List runs: how far they are, their best FID and their size.",
    discussion: """
      Example: dd2 runs list runs

      'dd2 runs' alone does the same. A run is running while a process works in its folder, else finished; stopped, where \
      --resume goes on from what is saved; failed, where nothing is saved; or unreadable, where its settings cannot be read. \
      FID is the lowest of the run's own measurements, with its step.
      """)

  @Argument(help: ArgumentHelp("A folder of runs, or a run.", valueName: "dir"), completion: .directory)
  var folder = "runs"

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let runs = try RunSummary.folders(at: folder).compactMap(RunSummary.init(of:))
    guard !json else { return try Console.result(json: runs) }
    let head = ["RUN", "KIND", "STATE", "STAGE", "STEP", "FID", "AT", "LAST", "SIZE", "DEVICE"]
    try Console.result(TextTable([head] + runs.map(Self.row)).description)
  }

  private static func row(_ run: RunSummary) -> [String] {
    let step = run.step.flatMap { step in run.steps.map { "\(step)/\($0)" } }
    let date = Date(timeIntervalSince1970: Double(run.lastActivity)).formatted(.iso8601)
    return [
      run.run, run.kind?.rawValue ?? "-", run.state.rawValue, run.stage ?? "-", step ?? "-",
      run.fid.map { String(format: "%.4g", $0) } ?? "-", run.fidStep.map(String.init) ?? "-",
      date, ByteCount.text(run.bytes), run.backend ?? "-",
    ]
  }
}

/// `dd2 runs clean`: frees what nothing will read again.
struct RunsClean: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clean", abstract: "Free what finished runs do not need any more.",
    discussion: """
      Example: dd2 runs clean runs

      Shows what would be removed; --yes removes it. That is, of finished runs, the checkpoints of the stages before the \
      last, drawn sequences, and all checkpoints of a stage but its last; of stopped ones too, damaged files and what killed \
      processes left unfinished. Results, settings, logs and pictures stay, and a cleaned run can be prolonged by \
      --resume. Runs at work are left alone.
      """)

  @Argument(help: ArgumentHelp("Runs, or folders of runs (default: runs).", valueName: "dir"), completion: .directory)
  var folders: [String] = []

  @Flag(help: "Remove the files.")
  var yes = false

  func run() throws {
    let folders = folders.isEmpty ? ["runs"] : folders
    var (total, rows) = (0, [[String]]())
    for folder in try folders.flatMap(RunSummary.folders(at:)) {
      // Nobody may begin to work there meanwhile.
      guard let lock = try Self.lock(folder) else { continue }
      defer { withExtendedLifetime(lock) {} }
      guard let run = RecordedRun(folder) else { continue }
      let cleaning = try RunCleaning(of: run)
      rows += cleaning.files.map { [ByteCount.text($0.bytes), $0.path] }
      total += cleaning.bytes
      if yes { try cleaning.run() }
    }
    if !rows.isEmpty { try Console.result(TextTable(rows).description) }
    Log.info("\(ByteCount.text(total)) in \(rows.count) files \(yes ? "removed" : "to remove; --yes removes them")")
  }

  /// The right to change a run's folder; nil where it is at work.
  private static func lock(_ folder: String) throws -> WriterLock? {
    do {
      return try WriterLock(folder: folder)
    } catch ArtifactError.inUse {
      Log.info("\(folder): is running, left alone")
      return nil
    }
  }
}

extension RunSummary {
  /// The runs that paths lead to: the run itself, or those in a folder of runs.
  /// - Throws: `ArtifactError`, and `CommandFailure` for a folder that holds none.
  fileprivate static func folders(at path: String) throws -> [String] {
    if RecordedRun(path) != nil { return [path] }
    let folders = try FileAccess.names(in: path).map { path.pathJoined($0) }.filter { RecordedRun($0) != nil }
    guard !folders.isEmpty else {
      throw CommandFailure(.missingInput, "\(path): holds no runs; give the folder of a run, or one with runs in it")
    }
    return folders
  }
}

extension String {
  /// A name behind a path that may end in a slash.
  fileprivate func pathJoined(_ name: String) -> String { (hasSuffix("/") ? self : self + "/") + name }
}
