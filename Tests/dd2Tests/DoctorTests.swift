import Foundation
import TestSupport
import Testing

@testable import dd2

/// `dd2 doctor`: what its checks say of machines that are made up here, and that it runs on this one.
@Suite struct DoctorTests {
  /// A machine on which nothing is to be said.
  private static var sound: MachineFacts {
    MachineFacts(
      version: "dd2 0.1.0 (abc)", processor: "A Chip", features: ["avx2", "fma", "avx512f"], environment: [:],
      onlineCores: 8, affinityCores: 8, quotaCores: nil, threads: 8,
      blas: .init(core: "SkylakeX", configuration: "OpenBLAS 0.3.21 DYNAMIC_ARCH", rate: 441.6), blasProblem: nil,
      memory: 16 << 30, availableMemory: 12 << 30, memoryLimit: nil, addressLimit: nil,
      devices: [absent(.cuda)], drivers: [], mpiLibraries: ["libmpi.so.40"], programs: ["mpirun", "curl"],
      libraries: [("libpng", "1.6")],
      models: [.init(name: "a.h5", path: "/share/Models/a.h5", problem: nil)], weightsFolder: "weights", weights: [],
      disks: [.init(name: "cache", path: "/home/.cache/dd2", freeBytes: 9 << 30, isWritable: true)],
      terminalColumns: 80)
  }

  private static func absent(_ device: Device) -> DeviceReport {
    var report = DeviceReport(device)
    report.problem = "no plugin; install it"
    return report
  }

  @Test func aSoundMachine() {
    let findings = DoctorChecks.findings(Self.sound)
    #expect(findings.allSatisfy { $0.verdict == .ok && $0.advice == nil })
    let products = findings.first { $0.check == "matrix products" }
    #expect(products?.found == "OpenBLAS 0.3.21, kernels for SkylakeX, 442 GFLOP/s")
    #expect(findings.first { $0.check == "device cuda" }?.found == "not here")
    #expect(findings.first { $0.check == "models" }?.found == "1 in /share/Models")
  }

  /// A change of the sound machine, the one check that then is not ok, its verdict, and words of it.
  private static let faults: [(@Sendable (inout MachineFacts) -> Void, String, Finding.Verdict, [String])] = [
    (
      {
        $0.environment["OPENBLAS_CORETYPE"] = "Haswell"
        $0.blas = .init(core: "Haswell", configuration: "OpenBLAS 0.3.21", rate: 9.96)
      }, "matrix products", .note, ["OPENBLAS_CORETYPE=Haswell keeps it from AVX-512", "unset it", "10.0 GFLOP/s"]
    ),
    (
      { $0.blas = .init(core: "Zen", configuration: "OpenBLAS 0.3.21", rate: 200) }, "matrix products", .note,
      ["AVX-512 unused", "newer OpenBLAS"]
    ),
    (
      {
        $0.features = ["avx2"]
        $0.blas = .init(core: "Prescott", configuration: "OpenBLAS 0.3.21", rate: 20)
      }, "matrix products", .note, ["AVX2 unused"]
    ),
    ({ $0.environment["OPENBLAS_L2_SIZE"] = "512" }, "matrix products", .note, ["OPENBLAS_L2_SIZE=512"]),
    (
      {
        $0.blas = nil
        $0.blasProblem = "cannot load; run scripts/setup.sh"
      }, "matrix products", .wrong, ["does not load", "scripts/setup.sh"]
    ),
    ({ $0.features = [] }, "processor", .note, ["AVX2"]),
    (
      {
        $0.environment["DD2_THREADS"] = "2"
        $0.threads = 2
      }, "threads", .note, ["DD2_THREADS=2 is fewer", "8 cores"]
    ),
    (
      {
        ($0.quotaCores, $0.threads) = (3, 8)
        $0.environment["DD2_THREADS"] = "8"
      }, "threads", .note, ["control groups allow 3", "more than there are cores"]
    ),
    ({ $0.memoryLimit = 1 << 30 }, "memory", .note, ["control groups allow 1.0 GiB", "--dry-run"]),
    ({ $0.addressLimit = 300 << 20 }, "memory", .note, ["'ulimit -v' allows 300 MiB"]),
    ({ $0.drivers = [.cuda] }, "device cuda", .note, ["no plugin; install it"]),
    (
      {
        var report = absent(.rocm)
        (report.plugin, report.problem) = ("/p.so", "it crashes; install it again")
        $0.devices = [report]
      }, "device rocm", .wrong, ["/p.so", "it crashes"]
    ),
    ({ $0.mpiLibraries = [] }, "processes", .note, ["no MPI library"]),
    ({ $0.programs = ["curl"] }, "processes", .note, ["neither mpirun nor srun"]),
    ({ $0.programs = ["srun"] }, "downloads", .note, ["curl"]),
    (
      { $0.models = [.init(name: "a.h5", path: nil, problem: "gone; make it")] }, "models", .wrong, ["missing", "gone"]
    ),
    ({ $0.models = [.init(name: "a.h5", path: "/a.h5", problem: "bad")] }, "models", .wrong, ["differs", "bad"]),
    ({ $0.weights = [.init(name: "var-d16", path: "/v", problem: "short")] }, "weights", .wrong, ["var-d16", "short"]),
    (
      { $0.disks = [.init(name: "cache", path: "/c", freeBytes: 1 << 40, isWritable: false)] }, "cache", .note,
      ["XDG_CACHE_HOME"]
    ),
    (
      { $0.disks = [.init(name: "cache", path: "/c", freeBytes: 1 << 20, isWritable: true)] }, "cache", .wrong,
      ["1.0 MiB free"]
    ),
  ]

  @Test(arguments: faults.indices) func oneFaultIsOneFinding(index: Int) throws {
    let (change, check, verdict, words) = Self.faults[index]
    var facts = Self.sound
    change(&facts)
    let findings = DoctorChecks.findings(facts).filter { $0.verdict != .ok }
    let finding = try #require(findings.first)
    #expect(findings.count == 1 && finding.check == check && finding.verdict == verdict, "\(findings)")
    let text = finding.found + "; " + (finding.advice ?? "")
    for word in words { #expect(text.contains(word), "\(text)") }
  }

  /// Here, with all models and without: what is missing makes the exit code.
  @Test func thisMachine() throws {
    let dd2 = Command(folder: try TemporaryFolder())
    let plain = ["DD2_PJRT_PLUGIN": ""]
    let text = try dd2(["doctor"], models: Command.bundledModels, environment: plain)
    #expect(text.output.contains("6 in \(Command.bundledModels)"), "\(text.output)")
    let outcome = try dd2(["doctor", "--json"], environment: plain)
    #expect(outcome.status == 69 && outcome.logLines.last?.contains("not in order: ") == true, "\(outcome.log)")
    let findings = try #require(try outcome.json() as? [[String: Any]])
    let faults = findings.filter { $0["verdict"] as? String == "wrong" && $0["check"] as? String == "models" }
    #expect(faults.count == 6)
    #expect(findings.contains { $0["check"] as? String == "libraries" })
  }
}
