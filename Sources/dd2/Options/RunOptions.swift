import ArgumentParser
import Artifacts
import Foundation
import Processes
import Reporting
import Training

/// Where a training run lies, and whether it is a new one.
struct RunOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The run's folder (default: a new one in runs/).", valueName: "dir"), completion: .directory)
  var run: String?

  @Flag(help: "Continue the run in --run from its last checkpoint, with its own settings.")
  var resume = false

  func validate() throws {
    if resume, run == nil { throw ValidationError("--resume needs --run DIR, the run to continue") }
  }

  /// The folder of the run.
  /// - Throws: `CommandFailure` for a new run where something is already, or for a run to continue that is not there.
  func folder(purpose: String) throws -> String { try ProcessGroup.current.fromFirst { try ownFolder(purpose) } }

  private func ownFolder(_ purpose: String) throws -> String {
    guard let run else { return try RunDirectory.makeDefault(purpose: purpose) }
    if let outer = RunDirectory.around(run) {
      throw CommandFailure(.usage, "\(run): is a part of the run \(outer); give --run \(outer), or another folder")
    }
    let isUnused = try RunDirectory.isUnused(run)
    if resume, isUnused {
      throw CommandFailure(.missingInput, "\(run): no run to resume; check the path or leave out --resume")
    }
    if !resume, !isUnused {
      throw CommandFailure(
        .cannotCreate, "\(run): is not empty; add --resume to continue the run, or choose another folder")
    }
    return run
  }

  /// Runs with progress on stderr and a clean stop on the first interrupt, alone in the folder.
  /// - Returns: what `body` returns.
  /// - Throws: `ArtifactError.inUse` where another process runs there, and what `body` throws.
  func supervised<Result>(
    folder: String, _ body: (InterruptFlag, @escaping RunObserver) throws -> Result
  ) throws -> Result {
    let lock = ProcessGroup.current.isFirst ? try WriterLock(folder: folder) : nil
    let interrupts = Interrupts()
    let progress = RunProgress()
    defer { progress.close() }
    Log.info("run folder \(folder)")
    if let note = Job.stopNote { Log.info(note) }
    defer { withExtendedLifetime(lock) {} }
    do {
      return try body(interrupts.flag) { progress.show($0) }
    } catch let error as RunInterrupted {
      throw CommandFailure(.interrupted, error.description + " --run \(folder)")
    }
  }

  /// Writes the page of a run that has ended, `report.html` in its folder. The run is not lost where that fails.
  func report(folder: String) {
    guard ProcessGroup.current.isFirst else { return }
    let path = folder + "/report.html"
    do {
      try ReportPage([ReportedRun(folder: folder)], createdBy: DD2Version.full).write(path)
      Log.info("saved \(path)")
    } catch {
      Log.warning("\(path) was not written: \(error)")
    }
  }

  /// Checks an option given along with `--resume` against the run's own setting.
  /// - Throws: `CommandFailure` where they differ.
  func requireSame<Value: Equatable>(_ name: String, given: Value?, recorded: Value) throws {
    guard let given, given != recorded else { return }
    throw CommandFailure(
      .usage,
      "\(name) \(given) differs from the run's \(recorded); leave it out to resume, or start a new run")
  }
}

/// The command line, as runs and files record it. Where a run lies is left out: equal settings give equal files.
var commandLine: String {
  var words = ["dd2"]
  var arguments = Arguments.words[...]
  while let word = arguments.popFirst() {
    if word == "--run" {
      _ = arguments.popFirst()
    } else if !word.hasPrefix("--run=") {
      words.append(word)
    }
  }
  return words.joined(separator: " ")
}
