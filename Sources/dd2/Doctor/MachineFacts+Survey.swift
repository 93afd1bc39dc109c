import Artifacts
import Foundation
import Processes
import TensorCore
import Training

extension MachineFacts {
  /// Features that kernels are chosen by.
  private static let knownFeatures = [
    "avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16", "asimd", "sve",
  ]

  /// Seconds that matrix products are measured.
  private static let measuring = 0.3

  /// Looks at this machine. Takes about a second, more where plugins are installed.
  static func survey() -> MachineFacts {
    // Before OpenBLAS is opened, which takes a variable that dd2 may set.
    let environment = ProcessInfo.processInfo.environment
    let information = text("/proc/cpuinfo")
    let flags = Set(field("flags", information) ?? field("Features", information) ?? [])
    let (blas, problem) = openBLAS()
    let memory = text("/proc/meminfo")
    return MachineFacts(
      version: DD2Version.full,
      processor: field("model name", information)?.joined(separator: " ") ?? "unknown processor",
      features: knownFeatures.filter(flags.contains), environment: environment,
      onlineCores: ProcessInfo.processInfo.processorCount, affinityCores: ProcessorSurvey.affinityCores,
      quotaCores: ProcessorSurvey.quotaCores, threads: ThreadPool.shared.threadCount, blas: blas, blasProblem: problem,
      memory: kilobytes("MemTotal", memory), availableMemory: kilobytes("MemAvailable", memory),
      memoryLimit: ProcessorSurvey.memoryLimit, addressLimit: addressLimit,
      devices: Device.allCases.filter { $0.plugin != nil }.map(DeviceProbing.report), drivers: drivers,
      mpiLibraries: JobLaunch.installedLibraries, programs: ["mpirun", "srun", "curl"].filter(isProgram),
      libraries: LibraryVersions.all,
      models: bundledModels(), weightsFolder: WeightsFolder.path, weights: fetchedWeights(), disks: disks(environment),
      terminalColumns: Console.isInteractive ? Console.columns : nil)
  }

  private static func openBLAS() -> (BLAS?, problem: String?) {
    do {
      let (core, configuration) = try ProcessorSurvey.openBLAS()
      let rate = ProcessorSurvey.productRate(seconds: measuring)
      return (BLAS(core: core, configuration: configuration, rate: rate), nil)
    } catch {
      return (nil, "\(error)")
    }
  }

  private static func text(_ path: String) -> String {
    ((try? FileAccess.contents(of: path)).map { String(decoding: $0, as: UTF8.self) }) ?? ""
  }

  /// The words behind the first `name :` of a file of `/proc`.
  private static func field(_ name: String, _ text: String) -> [String]? {
    let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
    return line?.drop { $0 != ":" }.dropFirst().split(separator: " ").map(String.init)
  }

  private static func kilobytes(_ name: String, _ text: String) -> Int {
    (field(name, text)?.first.flatMap { Int($0) } ?? 0) << 10
  }

  private static var addressLimit: Int? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur < Int.max else { return nil }
    return Int(limit.rlim_cur)
  }

  private static var drivers: [Device] {
    [(Device.cuda, "/dev/nvidiactl"), (.rocm, "/dev/kfd"), (.tpu, "/dev/accel0")].filter {
      FileAccess.exists($0.1)
    }.map(\.0)
  }

  private static func isProgram(_ name: String) -> Bool {
    (FileAccess.path(inVariable: "PATH") ?? "").split(separator: ":").contains { folder in
      "\(folder)/\(name)".withPath { access($0, X_OK) } == 0
    }
  }

  // MARK: Files

  private static func bundledModels() -> [Model] {
    let entries = (try? WeightsManifest(reading: BundledModels.manifestPath()))?.entries ?? []
    return BundledModels.Model.allCases.map { model in
      do {
        let path = try BundledModels.path(of: model)
        let wanted = entries.first { $0.path?.pathName == model.rawValue }?.sha256
        let isWanted = try wanted.map { try $0 == WeightsManifest.sha256(ofFile: path) } ?? true
        return Model(
          name: model.rawValue, path: path,
          problem: isWanted ? nil : "\(path): is not the file in the manifest; restore it, or see 'dd2 weights verify'")
      } catch {
        return Model(name: model.rawValue, path: nil, problem: "\(error)")
      }
    }
  }

  /// Only sizes are compared: the files are large.
  private static func fetchedWeights() -> [Model] {
    let entries = (try? WeightsManifest(reading: BundledModels.manifestPath()))?.entries ?? []
    return entries.filter { $0.path == nil }.compactMap { entry in
      let path = WeightsFolder.path + "/" + entry.relativePath
      guard let status = (try? FileAccess.status(path)).flatMap(\.self) else { return nil }
      let isWhole = entry.bytes.map { $0 == Int(status.st_size) } ?? true
      return Model(
        name: entry.name, path: path,
        problem: isWhole
          ? nil : "\(path): has \(status.st_size) bytes; remove it and run 'dd2 weights fetch \(entry.name)'")
    }
  }

  private static func disks(_ environment: [String: String]) -> [Disk] {
    let cache = [environment["XDG_CACHE_HOME"], environment["HOME"].map { $0 + "/.cache" }].compactMap(\.self)
      .first { $0.hasPrefix("/") }
    let places = [("working folder", FileAccess.currentFolder), ("cache", cache.map { $0 + "/dd2" })]
    return places.compactMap { name, path in
      guard let path else { return nil }
      // What is not there yet will be made in the nearest folder that is.
      var folder = path
      while !FileAccess.exists(folder), folder != "/" { folder = folder.pathFolder }
      var status = statvfs()
      guard folder.withPath({ statvfs($0, &status) }) == 0 else { return nil }
      return Disk(
        name: name, path: path, freeBytes: Int(status.f_bavail) * Int(status.f_frsize),
        isWritable: folder.withPath { access($0, W_OK) } == 0)
    }
  }
}
