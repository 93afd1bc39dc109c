import Artifacts
import Foundation
import TestModels
import TestSupport
import Testing

/// What becomes of a command whose plugin or device fails.
@Suite struct DeviceFaultTests {
  /// The plugin that works.
  static let plugin = ProcessInfo.processInfo.environment["DD2_PJRT_PLUGIN"]

  private let folder: TemporaryFolder
  private let dd2: Command

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
    try FaultyPlugin.build(at: folder.file("plugin.so"))
  }

  /// The environment of a command whose plugin has some faults.
  private func faults(_ faults: [String: String]) -> [String: String] {
    var environment = ["DD2_PJRT_PLUGIN": folder.file("plugin.so")]
    environment["FAULTY_AROUND"] = Self.plugin
    return environment.merging(faults) { $1 }
  }

  private static let sample = ["sample", "--one-step", "--count", "2", "--device", "xla-cpu", "-o", "out"]

  private func expectFailure(_ faults: [String: String], saying parts: [String]) throws {
    try dd2.expectFailure(
      Self.sample, status: 69, saying: parts, models: Command.bundledModels,
      environment: self.faults(faults).merging(["DD2_LOG": "error"]) { $1 })
  }

  @Test func aPluginOfAnotherMajorVersion() throws {
    try expectFailure(["FAULTY_VERSION": "1.3"], saying: ["plugin.so", "PJRT API 1.3", "dd2 device install"])
  }

  @Test func aPluginThatIsTooOld() throws {
    try expectFailure(
      ["FAULTY_VERSION": "0.20", "FAULTY_FUNCTIONS": "3"], saying: ["PJRT API 0.20", "lacks", "dd2 device install"])
  }

  @Test(.enabled(if: plugin != nil)) func aDeviceWithoutMemoryNamesTheBatch() throws {
    try expectFailure(["FAULTY_WHEN": "/", "FAULTY_CODE": "8"], saying: ["the device is gone", "--batch"])
  }

  @Test(.enabled(if: plugin != nil)) func tooFewDevicesAreCounted() throws {
    try dd2.expectFailure(
      ["distill", "--steps", "1", "--device", "xla-cpu", "--devices", "3", "--run", "run"], status: 69,
      saying: ["3 devices of cpu asked for, 2 found", "--devices 2"], models: Command.bundledModels,
      environment: faults(["FAULTY_DEVICES": "2"]))
    #expect(try !folder.names(in: ".").contains("run"))
  }

  @Test(.enabled(if: plugin != nil)) func aPluginThatCrashesEndsNoList() throws {
    let outcome = try dd2(["device", "list"], environment: faults(["FAULTY_START": "crash"]))
    #expect(outcome.status == 0 && outcome.output.contains("ends its process with signal 6"), "\(outcome.output)")
    let failing = try dd2(["device", "list"], environment: faults(["FAULTY_START": "fail"]))
    #expect(failing.status == 0 && failing.output.contains("the device is gone"), "\(failing.output)")
  }

  /// A run whose device is lost ends with a line, and goes on from its last checkpoint when the device is back.
  @Test(.enabled(if: plugin != nil)) func aRunGoesOnAfterItsDeviceWasLost() throws {
    _ = try TinyTeacher.nextScale.load(in: folder.path)
    let steps = 30
    let run =
      ["distill", "--teacher", "teacher.h5", "--run", "run", "--steps", "\(steps)", "--device", "xla-cpu"]
      + ("--batch 2 --evaluate-every 0 --set stage1.steps=1 --set warm_start.steps=0 --set stage1.images=8 "
      + "--set noise_levels=1 --set stage2.score_updates=1 --set stage2.first_score_updates=1 "
      + "--set output.checkpoint_every=2").split(separator: " ").map(String.init)
    let metrics = folder.file("run/metrics.jsonl")
    let environment = faults(["FAULTY_WHEN": folder.file("lost")])
    let lost = try dd2(run, environment: environment) { process in
      while process.isRunning, (try? MetricLog.read(metrics).count) ?? 0 < 5 { usleep(5_000) }
      try folder.write("", to: "lost")
    }
    #expect(lost.status == 69, "\(lost.log)")
    #expect(lost.logLines.last?.contains("the device is gone") == true, "\(lost.log)")
    #expect(lost.logLines.last?.contains("--resume") == true, "\(lost.log)")
    let saved = try folder.names(in: "run/checkpoints")
    let done = try MetricLog.read(metrics).count
    #expect(!saved.isEmpty && done < steps, "\(saved), \(done) steps")
    try FileAccess.remove(folder.file("lost"))
    let resumed = try dd2.succeeding(
      ["distill", "--resume", "--run", "run", "--device", "xla-cpu"], environment: environment)
    #expect(resumed.log.contains("continuing after step \(done / 2 * 2)"), "\(resumed.log)")
    #expect(try MetricLog.read(metrics).count == steps)
  }
}
