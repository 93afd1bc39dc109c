import Artifacts
import TensorCore

/// The checks of `dd2 doctor`: each judges some of the facts.
enum DoctorChecks {
  /// In the order in which they are shown.
  static let all: [@Sendable (MachineFacts) -> [Finding]] = [
    program, processor, matrixProducts, threads, memory, devices, processes, downloads, libraries, models, weights,
    disks, terminal,
  ]

  static func findings(_ facts: MachineFacts) -> [Finding] { all.flatMap { $0(facts) } }

  private static func program(_ facts: MachineFacts) -> [Finding] { [.ok("program", facts.version)] }

  private static func processor(_ facts: MachineFacts) -> [Finding] {
    let features = facts.features.isEmpty ? "no vector features that dd2 knows" : facts.features.joined(separator: " ")
    let found = "\(facts.processor): \(features)"
    guard facts.features.contains(where: { ["avx2", "asimd"].contains($0) }) else {
      return [.note("processor", found, "dd2 will be slow without AVX2; use a newer machine")]
    }
    return [.ok("processor", found)]
  }

  /// Kernel sets of OpenBLAS that use AVX-512, and those that use no AVX2.
  private static let wideCores = ["skylakex", "cooperlake", "sapphirerapids"]
  private static let narrowCores = [
    "prescott", "core2", "penryn", "dunnington", "nehalem", "sandybridge", "atom", "opteron", "barcelona", "bobcat",
    "bulldozer", "piledriver", "steamroller", "generic",
  ]
  private static let coreVariable = "OPENBLAS_CORETYPE"
  /// Variables that change how OpenBLAS cuts matrices, for all programs and usually for the worse.
  private static let cuttingVariables = ["OPENBLAS_L2_SIZE", "OPENBLAS_BLOCK_FACTOR"]

  private static func matrixProducts(_ facts: MachineFacts) -> [Finding] {
    let check = "matrix products"
    guard let blas = facts.blas else {
      return [.wrong(check, "OpenBLAS does not load", facts.blasProblem ?? "run scripts/setup.sh")]
    }
    let name = blas.configuration.split(separator: " ").prefix(2).joined(separator: " ")
    let rate = blas.rate < 10 ? "\((blas.rate * 10).rounded() / 10)" : "\(Int(blas.rate.rounded()))"
    let found = "\(name), kernels for \(blas.core), \(rate) GFLOP/s"
    let core = blas.core.lowercased()
    let given = facts.environment[coreVariable]
    let unused =
      facts.features.contains("avx512f") && !wideCores.contains(core)
      ? "AVX-512" : facts.features.contains("avx2") && narrowCores.contains(core) ? "AVX2" : nil
    var findings: [Finding] = []
    if let unused {
      let advice = given.map { "\(coreVariable)=\($0) keeps it from \(unused): unset it" }
      findings.append(.note(check, found, advice ?? "its kernels leave \(unused) unused: install a newer OpenBLAS"))
    } else {
      findings.append(.ok(check, found))
    }
    for variable in cuttingVariables {
      guard let value = facts.environment[variable] else { continue }
      findings.append(
        .note(check, "\(variable)=\(value) says how OpenBLAS cuts matrices", "unset it unless it was measured here"))
    }
    return findings
  }

  private static func threads(_ facts: MachineFacts) -> [Finding] {
    let limits = [
      facts.affinityCores < facts.onlineCores ? "affinity allows \(facts.affinityCores)" : nil,
      facts.quotaCores.map { "control groups allow \($0)" },
    ].compactMap(\.self)
    let cores = "\(facts.onlineCores) cores" + (limits.isEmpty ? "" : " (\(limits.joined(separator: ", ")))")
    let found = "\(facts.threads) threads, \(cores)"
    let usable = min(facts.affinityCores, facts.quotaCores ?? .max)
    guard let given = facts.environment[ThreadPool.variable], !given.isEmpty, facts.threads != usable else {
      return [.ok("threads", found)]
    }
    let more = facts.threads > usable ? "more than there are cores to run them" : "fewer than could be"
    return [.note("threads", found, "\(ThreadPool.variable)=\(given) is \(more): unset it unless that is meant")]
  }

  /// What the bundled teachers take in a distillation, roughly, with what else runs.
  private static let comfortableMemory = 2 << 30

  private static func memory(_ facts: MachineFacts) -> [Finding] {
    let limits = [
      facts.memoryLimit.map { "control groups allow \(ByteCount.text($0))" },
      facts.addressLimit.map { "'ulimit -v' allows \(ByteCount.text($0))" },
    ].compactMap(\.self)
    let found = (["\(ByteCount.text(facts.availableMemory)) free of \(ByteCount.text(facts.memory))"] + limits)
      .joined(separator: ", ")
    let least = ([facts.availableMemory] + [facts.memoryLimit, facts.addressLimit].compactMap(\.self)).min() ?? 0
    guard least < comfortableMemory else { return [.ok("memory", found)] }
    return [.note("memory", found, "distilling may need more: 'dd2 distill --dry-run' says how much")]
  }

  private static func devices(_ facts: MachineFacts) -> [Finding] {
    facts.devices.map { report in
      let check = "device \(report.device.rawValue)"
      guard let problem = report.problem else { return .ok(check, report.summary) }
      if report.plugin != nil { return .wrong(check, "plugin \(report.plugin ?? "")", problem) }
      guard facts.drivers.contains(report.device) else { return .ok(check, "not here") }
      return .note(check, "its driver is loaded, and there is no plugin", problem)
    }
  }

  private static func processes(_ facts: MachineFacts) -> [Finding] {
    let launchers = facts.programs.filter { $0 != "curl" }
    guard !facts.mpiLibraries.isEmpty, !launchers.isEmpty else {
      let missing = facts.mpiLibraries.isEmpty ? "no MPI library" : "neither mpirun nor srun"
      return [.note("processes", missing, "only jobs of several processes need it: docs/scale.md")]
    }
    return [.ok("processes", "\(facts.mpiLibraries.joined(separator: ", ")); \(launchers.joined(separator: ", "))")]
  }

  private static func downloads(_ facts: MachineFacts) -> [Finding] {
    facts.programs.contains("curl")
      ? [.ok("downloads", "curl")]
      : [.note("downloads", "no curl", "'dd2 weights fetch' and 'dd2 device install' need it: install it")]
  }

  private static func libraries(_ facts: MachineFacts) -> [Finding] {
    [.ok("libraries", facts.libraries.map { "\($0.name) \($0.version)" }.joined(separator: ", "))]
  }

  private static func models(_ facts: MachineFacts) -> [Finding] {
    let faults = facts.models.compactMap { model in
      model.problem.map { Finding.wrong("models", "\(model.name) \(model.path == nil ? "is missing" : "differs")", $0) }
    }
    guard faults.isEmpty, let path = facts.models.first?.path else { return faults }
    return [.ok("models", "\(facts.models.count) in \(path.pathFolder)")]
  }

  private static func weights(_ facts: MachineFacts) -> [Finding] {
    let faults = facts.weights.compactMap { file in
      file.problem.map { Finding.wrong("weights", "\(file.name) is not whole", $0) }
    }
    guard faults.isEmpty else { return faults }
    let names = facts.weights.map(\.name).joined(separator: ", ")
    return [.ok("weights", "\(names.isEmpty ? "none fetched" : names) in \(facts.weightsFolder)/")]
  }

  /// Room that a run of the bundled teachers takes, and that of a single file.
  private static let (comfortableRoom, leastRoom) = (2 << 30, 64 << 20)

  private static func disks(_ facts: MachineFacts) -> [Finding] {
    facts.disks.map { disk in
      let found = "\(disk.path): \(ByteCount.text(disk.freeBytes)) free"
      guard disk.isWritable else {
        let remedy = disk.name == "cache" ? "set XDG_CACHE_HOME to a folder of yours" : "give -o and --run elsewhere"
        return .note(disk.name, "\(disk.path): cannot be written", remedy)
      }
      if disk.freeBytes < leastRoom { return .wrong(disk.name, found, "make room, or work elsewhere") }
      if disk.freeBytes < comfortableRoom { return .note(disk.name, found, "'dd2 runs clean' may make room") }
      return .ok(disk.name, found)
    }
  }

  private static func terminal(_ facts: MachineFacts) -> [Finding] {
    [.ok("terminal", facts.terminalColumns.map { "progress is a bar on \($0) columns" } ?? "none: progress is lines")]
  }
}
