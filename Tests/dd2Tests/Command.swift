import Artifacts
import Foundation
import TestSupport
import Testing

/// The built `dd2`, or another program of the package, as a subprocess, in a folder of its own and without bundled
/// models unless told where they are.
struct Command {
  /// What a finished process leaves.
  struct Outcome {
    let status: Int32
    let output: String
    let log: String

    /// The lines on stderr.
    var logLines: [Substring] { log.split(separator: "\n") }
    /// stdout as JSON.
    func json() throws -> Any { try JSONSerialization.jsonObject(with: Data(output.utf8)) }
  }

  /// The process's current folder.
  let folder: TemporaryFolder
  /// What is run.
  var program = "dd2"

  /// The folder of the bundled models.
  static let bundledModels = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Models").standardizedFileURL.path

  /// Beside the running test executable.
  private var executable: URL {
    URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
      .appendingPathComponent(program)
  }

  /// Runs to the end.
  /// - Parameters:
  ///   - models: the value of `DD2_MODELS`.
  ///   - environment: further variables.
  ///   - shell: a script of sh that sets up what the program finds around it and ends in `exec "$0" "$@"`.
  ///   - input: what stdin is; nothing by default.
  ///   - whileRunning: called once the process has started.
  func callAsFunction(
    _ arguments: [String], models: String? = nil, environment: [String: String] = [:], shell: String? = nil,
    input: Pipe? = nil, whileRunning: (Process) throws -> Void = { _ in }
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = shell == nil ? executable : URL(fileURLWithPath: "/bin/sh")
    process.arguments = (shell.map { ["-c", $0, executable.path] } ?? []) + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["DD2_MODELS": models ?? folder.file("no-models"), "DD2_WEIGHTS": "", "XDG_CACHE_HOME": folder.file("cache")]
    ) { $1 }.merging(environment) { $1 }
    // Files instead of pipes: nothing can fill up while nobody reads.
    let (output, log) = (URL(fileURLWithPath: folder.file(".stdout")), URL(fileURLWithPath: folder.file(".stderr")))
    for file in [output, log] { try Data().write(to: file) }
    process.standardInput = input ?? FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: log)
    try Self.withoutBlockedSignals { try process.run() }
    try whileRunning(process)
    process.waitUntilExit()
    try #require(process.terminationReason == .exit, "dd2 died of signal \(process.terminationStatus)")
    return Outcome(
      status: process.terminationStatus, output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
      log: String(decoding: try Data(contentsOf: log), as: UTF8.self))
  }

  /// Programs inherit what their parent's thread blocks, and the tests' threads block nearly all signals.
  private static func withoutBlockedSignals(_ body: () throws -> Void) rethrows {
    var (none, before) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try body()
  }

  /// Runs a script of bash in the folder; `$DD2` is the program.
  func bash(_ script: String, models: String? = nil, environment: [String: String] = [:]) throws -> Outcome {
    try self([script], models: models, environment: environment, shell: #"DD2="$0" exec bash -c "$1""#)
  }

  /// Runs a command that must succeed.
  func succeeding(
    _ arguments: [String], models: String? = nil, environment: [String: String] = [:]
  ) throws -> Outcome {
    let outcome = try self(arguments, models: models, environment: environment)
    try #require(outcome.status == 0, "\(outcome.log)")
    return outcome
  }

  /// Runs a command that must fail: with this code, nothing on stdout, exactly one line on stderr.
  func expectFailure(
    _ arguments: [String], status: Int32, saying parts: [String], models: String? = nil, shell: String? = nil,
    environment: [String: String] = [:], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let outcome = try self(arguments, models: models, environment: environment, shell: shell)
    #expect(outcome.status == status, "\(outcome.log)", sourceLocation: sourceLocation)
    #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
    #expect(outcome.logLines.count == 1, "\(outcome.log)", sourceLocation: sourceLocation)
    #expect(outcome.log.hasPrefix("dd2: ") && outcome.log.hasSuffix("\n"), sourceLocation: sourceLocation)
    for part in parts {
      #expect(outcome.log.contains(part), "\(outcome.log)", sourceLocation: sourceLocation)
    }
  }
}

extension TemporaryFolder {
  /// Writes a file.
  func write(_ text: String, to name: String) throws { try write(Data(text.utf8), name) }

  /// Names in a folder, sorted, without hidden ones.
  func names(in name: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: file(name)).filter { !$0.hasPrefix(".") }.sorted()
  }

  /// What `samples.json` says of the images beside it.
  func sampleRecord(in name: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: contents(name + "/samples.json")) as? [String: Any])
  }

  /// The largest difference of two images' bytes; sums run in another order at another batch size, so one step is none.
  func imageDifference(_ a: String, _ b: String) throws -> Int {
    let (left, right) = (try RGBImage.read(file(a)), try RGBImage.read(file(b)))
    try #require(left.pixels.count == right.pixels.count)
    return zip(left.pixels, right.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 255
  }

  /// What a run's `config.json` records of a distillation: `settings`, `teacher`, `images` and so on.
  func record(ofRun run: String) throws -> [String: Any] {
    let config = try JSONSerialization.jsonObject(with: contents(run + "/config.json"))
    return try #require((config as? [String: Any])?["settings"] as? [String: Any])
  }

  /// Its settings as text, by their full names.
  func settings(ofRun run: String) throws -> [String: String] {
    let groups = try #require(try record(ofRun: run)["settings"] as? [String: Any])
    var settings: [String: String] = [:]
    for (name, value) in groups {
      guard let group = value as? [String: Any] else {
        settings[name] = "\(value)"
        continue
      }
      for (member, value) in group { settings["\(name).\(member)"] = "\(value)" }
    }
    return settings
  }
}
