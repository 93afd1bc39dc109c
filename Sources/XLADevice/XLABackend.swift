import Artifacts
import TensorCore

/// What a backend tells of its work.
public enum XLAEvent {
  /// A compilation begins, which may take minutes.
  case compiling(StepProgram)
  /// It took so many seconds.
  case compiled(StepProgram, seconds: Double)
  /// A compiled program was in the cache; it took so many seconds to load.
  case loaded(StepProgram, seconds: Double)
  /// Compiled programs are not kept from now on.
  case cacheFailed(reason: String)
}

/// Runs steps through XLA: a step is written down, compiled once by a PJRT plugin, and run on its device, or on several
/// together, each of which is a replica. An array is a buffer on each of them.
public final class XLABackend: LazyBackend<[PJRTBuffer]>, @unchecked Sendable {
  public override var replicas: Replicas { spread }

  private let client: PJRTClient
  private let devices: [PJRTDevice]
  private let spread: Replicas
  private let options: CompileOptions
  private let precision: Precision
  private var programs: [StepProgram: PJRTLoadedExecutable] = [:]

  private var cache: ProgramCache?
  private let tell: (XLAEvent) -> Void

  /// A backend on the first devices of a plugin's client.
  /// - Parameters:
  ///   - deviceCount: how many; those of each process where the client is one of several.
  ///   - job: the client's place among those of other processes; nil for a client alone.
  ///   - precision: of the networks' products.
  ///   - cache: where compiled programs are kept; nil: nowhere.
  ///   - tell: called when programs are compiled.
  public init(
    _ client: PJRTClient, deviceCount: Int = 1, job: PJRTJob? = nil, precision: Precision = .float32,
    cache: ProgramCache? = nil, tell: @escaping (XLAEvent) -> Void = { _ in }
  ) {
    precondition(
      (1...client.devices.count).contains(deviceCount), "XLABackend: \(deviceCount) of \(client.devices.count) devices")
    self.client = client
    devices = Array(client.devices.prefix(deviceCount))
    let (node, nodes) = (job?.node ?? 0, job?.nodes ?? 1)
    spread = Replicas(count: nodes * deviceCount, here: node * deviceCount..<(node + 1) * deviceCount)
    self.precision = precision
    self.cache = cache
    self.tell = tell
    var overrides = precision.overrides
    if client.platformName == "cpu" {
      // On processors, code that is compiled with all of LLVM's passes takes minutes to compile and gains little.
      overrides["xla_llvm_disable_expensive_passes"] = .flag(true)
      overrides["xla_backend_optimization_level"] = .integer(1)
    }
    // Processes whose caches hold different programs would wait for each other in trying out kernels.
    if nodes > 1, client.platformName != "cpu" { overrides["xla_gpu_shard_autotuning"] = .flag(false) }
    options = CompileOptions(replicas: spread.count, overrides: overrides)
    super.init()
  }

  /// Enough for a large device; small ones take as many without harm.
  public override var imagesAtOnce: Int { 64 }

  public override var summary: String {
    let kind = client.devices.first?.kind ?? client.platformName
    return "XLA on \(spread.count > 1 ? "\(spread.count) x " : "")\(kind), \(precision.rawValue)"
  }

  /// A backend on the first devices that a plugin of some kind finds; see `PluginSearch`, `PJRTClient.open` and `init`.
  /// - Parameter devices: how many in this process; nil for all.
  /// - Throws: `PJRTError` where there is no plugin, or it is of another kind or finds no device or too few.
  public static func open(
    _ kind: PluginKind, devices: Int? = 1, firstDevice: Int = 0, job: PJRTJob? = nil, precision: Precision = .float32,
    cache: ProgramCache? = .standard(), tell: @escaping (XLAEvent) -> Void = { _ in }
  ) throws(PJRTError) -> XLABackend {
    let client = try PJRTClient.open(kind, devices: devices, firstDevice: firstDevice, job: job)
    return XLABackend(
      client, deviceCount: devices ?? client.devices.count, job: job, precision: precision, cache: cache, tell: tell)
  }

  /// The memory of the program that takes most of the device's among those so far; nil where the plugin does not say.
  public var largestProgram: PJRTProgramMemory? {
    programs.values.compactMap { try? $0.executable.memory }.max { $0.total < $1.total }
  }

  /// What the first device's memory holds; nil where the plugin keeps no such figures.
  public var deviceMemory: PJRTDeviceMemory? { client.devices.first.flatMap { try? client.memory(of: $0) } }

  public override func buffer(_ elements: [Float], _ shape: Shape) -> [PJRTBuffer] { copied(elements, shape) }
  public override func buffer(_ elements: [Int32], _ shape: Shape) -> [PJRTBuffer] { copied(elements, shape) }
  public override func buffer(parts elements: [Float], _ shape: Shape) -> [PJRTBuffer] { dealt(elements, shape) }
  public override func buffer(parts elements: [Int32], _ shape: Shape) -> [PJRTBuffer] { dealt(elements, shape) }

  /// The same elements on every device.
  private func copied<Element: PJRTElement>(_ elements: [Element], _ shape: Shape) -> [PJRTBuffer] {
    orEnd { () throws(PJRTError) in
      try devices.map { device throws(PJRTError) in
        try client.upload(elements, shape: shape.dimensions, to: device)
      }
    }
  }

  /// On each device its part.
  private func dealt<Element: PJRTElement>(_ elements: [Element], _ shape: Shape) -> [PJRTBuffer] {
    orEnd { () throws(PJRTError) in
      try devices.indices.map { index throws(PJRTError) in
        let part = Array(elements[index * shape.count..<(index + 1) * shape.count])
        return try client.upload(part, shape: shape.dimensions, to: devices[index])
      }
    }
  }

  public override func floats(of buffer: [PJRTBuffer], count: Int) -> [Float] {
    orEnd { () throws(PJRTError) in try buffer[0].elements(as: Float.self) }
  }

  public override func integers(of buffer: [PJRTBuffer], count: Int) -> [Int32] {
    orEnd { () throws(PJRTError) in try buffer[0].elements(as: Int32.self) }
  }

  public override func replicaThatDiffers(in buffer: [PJRTBuffer]) -> Int? {
    orEnd { () throws(PJRTError) in
      guard buffer.count > 1 else { return nil }
      let first = try buffer[0].bytes
      for (replica, other) in zip(spread.here, buffer).dropFirst() where try other.bytes != first { return replica }
      return nil
    }
  }

  public override func execute(_ program: StepProgram, _ arguments: [[PJRTBuffer]], isStep: Bool) -> [[PJRTBuffer]] {
    orEnd { () throws(PJRTError) in
      let byDevice = devices.indices.map { device in arguments.map { $0[device] } }
      let results = try executable(of: program).execute(byDevice: byDevice).outputs
      return program.outputs.indices.map { output in results.map { $0[output] } }
    }
  }

  private func executable(of program: StepProgram) throws(PJRTError) -> PJRTLoadedExecutable {
    if let known = programs[program] { return known }
    let start = ContinuousClock.now
    func seconds() -> Double { (ContinuousClock.now - start) / .seconds(1) }
    let text = text(of: program)
    let key = Fingerprint.of(try client.programIdentity() + ["\(options.serialized)", text])
    // What the plugin refuses is compiled anew, and replaced.
    if let bytes = cache?.program(key), let made = try? client.load(bytes) {
      programs[program] = made
      tell(.loaded(program, seconds: seconds()))
      return made
    }
    tell(.compiling(program))
    let made = try client.compile(text, options: options)
    programs[program] = made
    tell(.compiled(program, seconds: seconds()))
    do {
      if let cache { try cache.keep(made.executable.serialized(), key) }
    } catch {
      cache = nil
      tell(.cacheFailed(reason: "\(error)"))
    }
    return made
  }

  /// XLA's CPU plugin compiles products of bfloat16, and refuses to run those whose first factor is transposed.
  private func text(of program: StepProgram) -> String {
    program.stableHLO(
      precision: precision, widensFactors: client.platformName == "cpu", replicaCount: spread.count)
  }

  /// A device that fails cannot go on, and operations do not throw: the process ends with a line.
  private func orEnd<Result>(_ body: () throws(PJRTError) -> Result) -> Result {
    do {
      return try body()
    } catch {
      let remedy =
        if case .failed(_, .resourceExhausted, _) = error {
          "give a smaller --batch, or --set memory.micro_batch=N and memory.recompute=true"
        } else {
          "what a run has saved is whole, and --resume goes on from it"
        }
      MemoryShortage.end(saying: "\(error); \(remedy)")
    }
  }
}
