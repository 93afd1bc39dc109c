import Foundation
import TestSupport
import Testing

/// `--device`: what is drawn on XLA's CPU plugin, and what is said where there is no plugin.
@Suite struct DeviceCommandTests {
  private let folder: TemporaryFolder
  private let dd2: Command

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  private static let plugin = ProcessInfo.processInfo.environment["DD2_PJRT_PLUGIN"]

  @Test(.enabled(if: plugin != nil)) func imagesAreThoseOfTheCPU() throws {
    for device in ["cpu", "xla-cpu"] {
      _ = try dd2.succeeding(
        ["sample", "--one-step", "--count", "4", "--seed", "3", "--device", device, "-o", device],
        models: Command.bundledModels)
    }
    let names = try folder.names(in: "cpu").filter { $0.hasSuffix(".png") }
    #expect(try names.count == 4 && folder.names(in: "xla-cpu").filter { $0.hasSuffix(".png") } == names)
    for name in names { #expect(try folder.imageDifference("cpu/" + name, "xla-cpu/" + name) <= 1) }
  }

  @Test(.enabled(if: plugin != nil)) func imagesInBfloat16AreOthers() throws {
    for precision in ["float32", "bfloat16"] {
      _ = try dd2.succeeding(
        ["sample", "--one-step", "--count", "4", "--device", "xla-cpu", "--precision", precision, "-o", precision],
        models: Command.bundledModels)
    }
    let names = try folder.names(in: "bfloat16").filter { $0.hasSuffix(".png") }
    #expect(names.count == 4)
    #expect(try names.contains { try folder.imageDifference("float32/" + $0, "bfloat16/" + $0) > 0 })
  }

  @Test(.enabled(if: plugin != nil)) func aDryRunSaysWhatProgramsTake() throws {
    let outcome = try dd2.succeeding(
      [
        "distill", "--dry-run", "--steps", "1", "--batch", "4", "--set", "noise_levels=1", "--set",
        "memory.micro_batch=2", "--set", "memory.recompute=true", "--device", "xla-cpu",
      ], models: Command.bundledModels)
    let line = try #require(
      outcome.output.split(separator: "\n").first { $0.hasPrefix("MEMORY of the largest program") })
    // The generator's weights and moments and the teacher's, more than 4 x 4 bytes of each of its parameters.
    let bytes = try #require(Double(line.split(separator: " ")[5]))
    #expect(bytes > 0.03 && bytes < 4, "\(line)")
  }

  @Test func withoutAPluginALineSaysWhatToInstall() throws {
    let nowhere = ["DD2_PJRT_PLUGIN": "", "XDG_DATA_HOME": folder.file("data"), "PATH": folder.file("bin")]
    try dd2.expectFailure(
      ["sample", "--one-step", "--device", "cuda", "-o", "out"], status: 69,
      saying: ["no plugin for cuda", "dd2 device install cuda13"], models: Command.bundledModels, environment: nowhere
    )
    #expect(try !folder.names(in: ".").contains("out"))
  }

  @Test func aFileThatIsNoPluginIsNamed() throws {
    try folder.write("no library", to: "plugin.so")
    try dd2.expectFailure(
      ["sample", "--one-step", "--device", "rocm", "-o", "out"], status: 69, saying: ["plugin.so", "cannot be opened"],
      models: Command.bundledModels, environment: ["DD2_PJRT_PLUGIN": folder.file("plugin.so")])
  }

  /// A plugin of another kind of device is not used in its place.
  @Test(.enabled(if: plugin != nil)) func aPluginOfAnotherKindIsRefused() throws {
    try dd2.expectFailure(
      ["sample", "--one-step", "--device", "cuda", "-o", "out"], status: 69, saying: ["cpu", "not for cuda"],
      models: Command.bundledModels)
  }

  @Test func theCPUHasOnePrecision() throws {
    try dd2.expectFailure(
      ["sample", "--one-step", "--precision", "bfloat16", "-o", "out"], status: 64,
      saying: ["--precision bfloat16 needs --device cuda, rocm, tpu or xla-cpu"], models: Command.bundledModels)
    #expect(try !folder.names(in: ".").contains("out"))
  }

  @Test func processorsAreNotCounted() throws {
    try dd2.expectFailure(
      ["distill", "--steps", "1", "--devices", "2", "--run", "run"], status: 64,
      saying: ["--devices", "mpirun -n N dd2"],
      models: Command.bundledModels)
    try dd2.expectFailure(
      ["distill", "--steps", "1", "--device", "cuda", "--devices", "0", "--run", "run"], status: 64,
      saying: ["--devices"], models: Command.bundledModels)
  }

  @Test(.enabled(if: plugin != nil)) func aBatchThatDevicesCannotShareIsRefused() throws {
    try dd2.expectFailure(
      ["distill", "--steps", "1", "--batch", "10", "--device", "xla-cpu", "--devices", "4", "--run", "run"], status: 64,
      saying: ["batch 10 cannot be shared evenly by 4 devices; give 8 or 12"], models: Command.bundledModels)
    try dd2.expectFailure(
      ["teacher", "train", "--device", "xla-cpu", "--devices", "3", "--run", "run"], status: 64,
      saying: ["perceptual batch 64 cannot be shared evenly by 3 devices; give 2 devices"],
      models: Command.bundledModels)
    #expect(try !folder.names(in: ".").contains("run"))
  }

  private struct Report: Decodable {
    let device: String
    let devices: [[String: String]]
    let plugin, api_version, problem: String?
  }

  private func list(_ environment: [String: String] = [:]) throws -> [String: Report] {
    let outcome = try dd2(["device", "list", "--json"], environment: environment)
    #expect(outcome.status == 0 && outcome.log.isEmpty, "\(outcome.log)")
    let reports = try JSONDecoder().decode([Report].self, from: Data(outcome.output.utf8))
    return Dictionary(uniqueKeysWithValues: reports.map { ($0.device, $0) })
  }

  @Test func theListSaysWhatIsMissing() throws {
    let nowhere = ["DD2_PJRT_PLUGIN": "", "XDG_DATA_HOME": folder.file("data"), "PATH": folder.file("bin")]
    let reports = try list(nowhere)
    #expect(reports.keys.sorted() == ["cpu", "cuda", "rocm", "tpu", "xla-cpu"])
    #expect(reports["cpu"]?.problem == nil && reports["cpu"]?.devices.count == 1)
    for (device, name) in [("xla-cpu", "cpu"), ("cuda", "cuda13"), ("rocm", "rocm7"), ("tpu", "tpu")] {
      #expect(reports[device]?.problem?.contains("run 'dd2 device install \(name)'") == true)
    }
    let table = try dd2(["device", "list"], environment: nowhere).output.split(separator: "\n")
    #expect(table.count == 6 && table[3].contains("dd2 device install cuda13"))
  }

  @Test(.enabled(if: plugin != nil)) func theListSaysWhatIsThere() throws {
    let report = try #require(try list()["xla-cpu"])
    #expect(report.plugin == Self.plugin && report.problem == nil)
    #expect(report.api_version?.hasPrefix("0.") == true && report.devices.first?["kind"]?.isEmpty == false)
  }
}
