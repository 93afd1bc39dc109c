import ArgumentParser
import Artifacts
import Distillation
import Foundation

/// Where a training run lies, and whether it is a new one.
struct RunOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The run's folder (default: a new one in runs/).", valueName: "dir"))
  var run: String?

  @Flag(help: "Continue the run in --run from its last checkpoint, with its own settings.")
  var resume = false

  func validate() throws {
    if resume, run == nil { throw ValidationError("--resume needs --run DIR, the run to continue") }
  }

  /// The folder of the run.
  /// - Throws: `CommandFailure` for a new run where something is already, or for a run to continue that is not there.
  func folder(purpose: String) throws -> String {
    guard let run else { return RunDirectory.defaultPath(purpose: purpose) }
    let contents = (try? FileManager.default.contentsOfDirectory(atPath: run)) ?? []
    if resume, contents.isEmpty {
      throw CommandFailure(.missingInput, "\(run): no run to resume; check the path or leave out --resume")
    }
    if !resume, !contents.isEmpty {
      throw CommandFailure(
        .cannotCreate, "\(run): is not empty; add --resume to continue the run, or choose another folder")
    }
    return run
  }

  /// Runs with progress on stderr and a clean stop on the first interrupt.
  /// - Returns: what `body` returns.
  func supervised<Result>(
    folder: String, _ body: (InterruptFlag, @escaping RunObserver) throws -> Result
  ) throws -> Result {
    let interrupts = Interrupts()
    let progress = RunProgress()
    defer { progress.close() }
    Console.log("run folder \(folder)")
    do {
      return try body(interrupts.flag) { progress($0) }
    } catch let error as RunInterrupted {
      throw CommandFailure(.interrupted, error.description + " --run \(folder)")
    }
  }

  /// Checks that the settings given along with `--resume` are those of the run, but for the ones that may change.
  /// - Throws: `CommandFailure` that names those that differ.
  static func checkUnchanged<Settings: Encodable>(_ given: Settings, recorded: Settings, path: String) throws {
    let names = try differences(given, recorded)
    guard names.isEmpty else {
      throw CommandFailure(
        .usage, "\(path): the run has other settings (\(names.joined(separator: ", "))); leave them out to resume it")
    }
  }

  private static func differences(_ a: some Encodable, _ b: some Encodable) throws -> [String] {
    let (left, right) = (try fields(of: a), try fields(of: b))
    return Set(left.keys).union(right.keys).filter { left[$0] != right[$0] }.sorted()
  }

  private static func fields(of value: some Encodable) throws -> [String: NSObject] {
    try JSONSerialization.jsonObject(with: try JSONEncoder().encode(value)) as? [String: NSObject] ?? [:]
  }
}

/// The command line, as runs and files record it.
var commandLine: String { (["dd2"] + CommandLine.arguments.dropFirst()).joined(separator: " ") }
