import Artifacts
import Foundation
import TestModels
import TestSupport
import Testing

/// Jobs of two processes by `mpirun`.
@Suite(.enabled(if: hasLauncher, "mpirun is not installed")) struct JobTests {
  private let folder: TemporaryFolder
  private let dd2: Command

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  private static let environment = [
    "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "DD2_THREADS": "1",
    // Containers forbid the copies between processes that it would make.
    "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
  ]

  private func run(
    processes: Int, _ arguments: [String], whileRunning: (Process) throws -> Void = { _ in }
  ) throws -> Command.Outcome {
    try dd2(
      arguments, models: Command.bundledModels, environment: Self.environment,
      shell: processes == 1 ? nil : #"exec mpirun --oversubscribe -n \#(processes) "$0" "$@""#,
      whileRunning: whileRunning)
  }

  private func distillation(_ run: String, steps: Int) -> [String] {
    ["distill", "--teacher", "teacher.h5", "--run", run, "--steps", "\(steps)"]
      + ("--batch 4 --evaluate-every 0 --set stage1.steps=3 --set stage1.images=8 --set warm_start.steps=2 --set pairs.count=8 "
      + "--set noise_levels=2 --set stage2.score_updates=2 --set stage2.first_score_updates=2 "
      + "--set output.checkpoint_every=2").split(separator: " ").map(String.init)
  }

  /// Arrays of two checkpoints agree, each to a part of its norm.
  private func expectAgreement(_ a: String, _ b: String, within tolerance: Double) throws {
    let (left, right) = (try HDF5File(reading: folder.file(a)), try HDF5File(reading: folder.file(b)))
    let names = try left.datasetNames(under: "/parameters")
    #expect(!names.isEmpty)
    for name in names {
      let (x, y) = (try left.read(name).floats, try right.read(name).floats)
      let distance = zip(x, y).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) }.squareRoot()
      let norm = x.reduce(0.0) { $0 + pow(Double($1), 2) }.squareRoot()
      #expect(distance <= tolerance * max(norm, 1e-3), "\(name): \(distance) of \(norm)")
    }
  }

  /// From the start of stage 2 on, the same batch and seed give the same run for any number of processes, and each goes on
  /// with the other's checkpoint. (Stage 1 begins where its gradient is nothing but rounding.)
  @Test func aJobIsTheRunOfOneProcess() throws {
    _ = try TinyTeacher.nextScale.load(in: folder.path)
    let start = try run(processes: 2, distillation("one", steps: 0))
    #expect(start.status == 0 && start.output == "one/generator.h5\n", "\(start.log)")
    try FileManager.default.copyItem(atPath: folder.file("one"), toPath: folder.file("two"))
    for (name, first, second) in [("one", 1, 2), ("two", 2, 1)] {
      for (processes, steps) in [(first, 4), (second, 6)] {
        let outcome = try run(processes: processes, ["distill", "--resume", "--run", name, "--steps", "\(steps)"])
        #expect(outcome.status == 0, "\(outcome.log)")
      }
    }
    try expectAgreement("one/checkpoints/step-00000004.h5", "two/checkpoints/step-00000004.h5", within: 1e-4)
    try expectAgreement("one/checkpoints/step-00000006.h5", "two/checkpoints/step-00000006.h5", within: 1e-4)
    let logs = try ["one", "two"].map { try MetricLog.read(folder.file($0 + "/metrics.jsonl")) }
    #expect(logs[0].count == 6 && logs[1].count == 6)
    for (a, b) in zip(logs[0], logs[1]) {
      for (name, value) in a where !name.hasSuffix("seconds") {
        let other = try #require(b[name])
        #expect(abs(value - other) <= 1e-4 * max(1, abs(value)), "\(name): \(value) and \(other)")
      }
    }
  }

  /// The job ends with a killed process, and goes on with the one that is left.
  @Test func aJobGoesOnAfterAProcessWasKilled() throws {
    _ = try TinyTeacher.nextScale.load(in: folder.path)
    let metrics = folder.file("run/metrics.jsonl")
    var killed = Date()
    let outcome = try run(processes: 2, distillation("run", steps: 100_000)) { launcher in
      while launcher.isRunning, (try? MetricLog.read(metrics).count) ?? 0 < 5 { usleep(5_000) }
      kill(try #require(processes(of: launcher).last), SIGKILL)
      killed = Date()
    }
    #expect(outcome.status != 0 && Date().timeIntervalSince(killed) < 30, "\(outcome.log)")
    #expect(outcome.log.contains("exited on signal 9"), "\(outcome.log)")
    let done = try #require(
      try folder.names(in: "run/checkpoints").last?.firstMatch(of: /(\d+).h5/).flatMap { Int($0.1) })
    let resumed = try run(processes: 1, ["distill", "--resume", "--run", "run", "--steps", "\(done + 2)"])
    #expect(resumed.status == 0 && resumed.log.contains("continuing after step \(done)"), "\(resumed.log)")
  }

  /// SIGUSR1 to the launcher reaches all processes; one of them alone is enough too.
  @Test(arguments: [true, false]) func aJobThatIsAskedToStopSaves(throughLauncher: Bool) throws {
    _ = try TinyTeacher.nextScale.load(in: folder.path)
    let metrics = folder.file("run/metrics.jsonl")
    let outcome = try run(processes: 2, distillation("run", steps: 100_000)) { launcher in
      while launcher.isRunning, (try? MetricLog.read(metrics).count) ?? 0 < 3 { usleep(5_000) }
      kill(throughLauncher ? launcher.processIdentifier : try #require(processes(of: launcher).last), SIGUSR1)
    }
    let done = try MetricLog.read(metrics).count
    #expect(outcome.status != 0)
    #expect(
      outcome.log.contains("interrupted; saved run/checkpoints/step-\(String(format: "%08d", done)).h5"),
      "\(outcome.log)")
    #expect(outcome.log.components(separatedBy: "interrupted; saved").count == 2, "\(outcome.log)")
  }

  /// What is wrong for all processes is said once.
  @Test(arguments: [
    (["distill", "--run", "run", "--steps", "1", "--batch", "3"], "3"),
    (["distill", "--run", "run", "--steps", "x"], "--steps"), (["evaluate"], "run it without mpirun"),
  ])
  func mistakesAreSaidOnce(arguments: [String], words: String) throws {
    let outcome = try run(processes: 2, arguments)
    let lines = outcome.logLines.filter { $0.hasPrefix("dd2: ") }
    #expect(outcome.status == 64, "\(outcome.log)")
    #expect(lines.count == 1 && lines[0].contains(words), "\(outcome.log)")
    #expect(!FileManager.default.fileExists(atPath: folder.file("run")))
  }

  /// A process that its MPI library sees alone would train alone, as often as it was started.
  @Test func aLibraryThatSeesNoOthers() throws {
    try dd2.expectFailure(
      ["presets"], status: 69, saying: ["mpirun started 2 processes", "alone"],
      environment: Self.environment.merging(["OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0"]) { $1 })
  }

  /// The processes of dd2 below a launcher.
  private func processes(of launcher: Process) -> [Int32] {
    let children =
      (try? String(
        contentsOfFile: "/proc/\(launcher.processIdentifier)/task/\(launcher.processIdentifier)/children",
        encoding: .utf8)) ?? ""
    return children.split(separator: " ").compactMap { Int32($0) }.filter { process in
      (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)) == "dd2\n"
    }
  }
}

/// Whether jobs can be started here.
private let hasLauncher = ["/usr/bin", "/usr/local/bin"].contains {
  FileManager.default.isExecutableFile(atPath: $0 + "/mpirun")
}
