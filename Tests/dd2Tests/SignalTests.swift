import Artifacts
import Foundation
import TestSupport
import Testing

/// The signals of terminals, of `kill` and of batch schedulers.
@Suite struct SignalTests {
  private let folder: TemporaryFolder
  private let dd2: Command

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  /// A distillation with thousands of small steps.
  private static let training =
    ("distill --steps 100000 --run run --set stage1.steps=1 --set warm_start.steps=0 --batch 2 --set noise_levels=1 --set stage2.score_updates=1 "
    + "--set stage2.first_score_updates=1 --set stage1.images=20 --evaluate-every 0")
    .split(separator: " ").map(String.init)

  private func waitForSteps(_ process: Process) {
    while process.isRunning, (try? MetricLog.read(folder.file("run/metrics.jsonl")))?.isEmpty ?? true { usleep(20_000) }
  }

  /// A run that was asked to stop left a checkpoint of its last step, and says how to go on.
  private func expectCheckpoint(_ outcome: Command.Outcome, _ words: String = "") throws {
    #expect(outcome.status == 130, "\(outcome.log)")
    #expect(outcome.logLines.last?.hasSuffix("continue with --resume --run run") == true, "\(outcome.log)")
    #expect(outcome.log.contains(words), "\(outcome.log)")
    let done = try MetricLog.read(folder.file("run/metrics.jsonl")).count
    #expect(FileManager.default.fileExists(atPath: folder.file(String(format: "run/checkpoints/step-%08d.h5", done))))
  }

  /// Twice, as `timeout` sends its signal; the second one is no reason to lose the checkpoint.
  @Test(arguments: [
    (SIGHUP, "HUP"), (SIGTERM, "TERM"), (SIGUSR1, "USR1"), (SIGUSR2, "USR2"), (SIGXCPU, "XCPU"), (SIGINT, "INT"),
  ])
  func aRunSavesACheckpoint(signal: Int32, name: String) throws {
    let outcome = try dd2(
      Self.training, models: Command.bundledModels, shell: "exec env --default-signal=\(name) \"$0\" \"$@\""
    ) { process in
      waitForSteps(process)
      kill(process.processIdentifier, signal)
      usleep(10_000)
      kill(process.processIdentifier, signal)
    }
    try expectCheckpoint(outcome, "stopping cleanly on SIG\(name)\n")
  }

  @Test func anEncodingGoesOnWhereItWasStopped() throws {
    let count = 4000
    _ = try dd2.succeeding(["data", "render", "-o", "images", "--count", "\(count)"])
    let encode = ["teacher", "encode", "shapes32-var", "--images", "images", "-o"]
    let models = Command.bundledModels
    let stopped = try dd2(encode + ["tokens.h5"], models: models) { process in
      // Once it encodes: before, a signal ends it at once.
      usleep(1_500_000)
      kill(process.processIdentifier, SIGTERM)
    }
    if stopped.status != 0 {
      #expect(stopped.status == 130 && stopped.log.contains("run the command again to go on"), "\(stopped.log)")
      let again = try dd2.succeeding(encode + ["tokens.h5"], models: models)
      #expect(again.log.contains("going on after"), "\(again.log)")
    }
    _ = try dd2.succeeding(encode + ["whole.h5"], models: models)
    #expect(try folder.contents("tokens.h5") == folder.contents("whole.h5"))
    #expect(!FileManager.default.fileExists(atPath: folder.file("tokens.h5.part")))
  }

  @Test func whatIsIgnoredStaysIgnored() throws {
    let outcome = try dd2(
      ["data", "render", "-o", "out", "--count", "400"], shell: "trap '' HUP INT USR1; exec \"$0\" \"$@\""
    ) { process in
      let first = folder.file("out/000000-disk-class0.png")
      while process.isRunning, !FileManager.default.fileExists(atPath: first) { usleep(5_000) }
      for signal in [SIGHUP, SIGINT, SIGUSR1] { kill(process.processIdentifier, signal) }
    }
    #expect(outcome.status == 0, "\(outcome.log)")
    #expect(try folder.names(in: "out").count == 400)
  }

  /// Before there is anything to save, and in work that leaves nothing, the process ends at once, with the same code.
  @Test(arguments: [SIGHUP, SIGTERM, SIGUSR1])
  func workThatKeepsNothingEndsAtOnce(signal: Int32) throws {
    _ = try dd2.succeeding(["data", "render", "-o", "out", "--count", "300"])
    let outcome = try dd2(
      ["fid", "--ref", "out", "--images", "out", "--extractor", "shapes32", "--metrics", "fid,kid", "--no-cache"],
      models: Command.bundledModels
    ) { process in
      while process.isRunning, !(try folder.contents(".stderr")).contains(UInt8(ascii: "\n")) { usleep(2_000) }
      kill(process.processIdentifier, signal)
    }
    #expect(outcome.status == 130 && outcome.output.isEmpty)
    #expect(outcome.logLines.last == "dd2: interrupted", "\(outcome.log)")
  }

  /// Types into the terminal that `script` makes for the program.
  private func atTerminal(
    _ arguments: [String], environment: [String: String] = [:], _ body: (Process, (String) -> Void) -> Void
  ) throws -> Command.Outcome {
    let input = Pipe()
    return try dd2(
      arguments, models: Command.bundledModels, environment: environment,
      shell: "exec script -qec \"env --default-signal=INT $0 $*\" /dev/null", input: input
    ) { process in
      body(process) { try? input.fileHandleForWriting.write(contentsOf: Data($0.utf8)) }
    }
  }

  private static let controlC = "\u{3}"

  @Test func anImpatientCtrlCIsTheFirstOne() throws {
    let outcome = try atTerminal(Self.training) { process, type in
      waitForSteps(process)
      type(Self.controlC)
      usleep(50_000)
      type(Self.controlC)
    }
    #expect(outcome.status == 130)
    #expect(outcome.output.contains("stopping cleanly; Ctrl-C again stops at once"), "\(outcome.output)")
    #expect(outcome.output.contains("continue with --resume --run run"), "\(outcome.output)")
  }

  @Test func aSecondCtrlCEndsAtOnce() throws {
    // One batch that takes seconds.
    let sample = "sample --teacher-steps --cfg 3 -o out --count 1500 --batch 1500".split(separator: " ").map(
      String.init)
    let outcome = try atTerminal(sample, environment: ["DD2_THREADS": "1"]) { process, type in
      while process.isRunning, !FileManager.default.fileExists(atPath: folder.file("out/samples.json")) {
        usleep(10_000)
      }
      type(Self.controlC)
      usleep(1_100_000)
      type(Self.controlC)
    }
    #expect(outcome.status == 130)
    #expect(outcome.output.contains("dd2: interrupted at once"), "\(outcome.output)")
    #expect(try folder.names(in: "out") == ["samples.json"])
  }

  /// The compiler of a plugin cannot be stopped: the first Ctrl-C says that it is waited for, the second does not wait.
  @Test(.enabled(if: DeviceFaultTests.plugin != nil)) func ctrlCDuringACompilation() throws {
    try FaultyPlugin.build(at: folder.file("plugin.so"))
    let environment = [
      "DD2_PJRT_PLUGIN": folder.file("plugin.so"), "FAULTY_AROUND": try #require(DeviceFaultTests.plugin),
      "FAULTY_COMPILE": "6000",
    ]
    let outcome = try atTerminal(Self.training + ["--device", "xla-cpu"], environment: environment) { process, type in
      func log() -> String { (try? folder.contents(".stdout")).map { String(decoding: $0, as: UTF8.self) } ?? "" }
      // The next one has begun then, and takes 6 s at least.
      while process.isRunning, !log().contains("compiled a program") { usleep(20_000) }
      usleep(2_000_000)
      type(Self.controlC)
      usleep(1_200_000)
      type(Self.controlC)
    }
    #expect(outcome.status == 130)
    #expect(outcome.output.contains("stopping cleanly after the compilation that has begun"), "\(outcome.output)")
    #expect(outcome.output.contains("dd2: interrupted at once"), "\(outcome.output)")
  }
}
