import TensorCore

/// Runs steps through XLA: a step is written down, compiled once by a PJRT plugin, and run on its device.
public final class XLABackend: LazyBackend<PJRTBuffer>, @unchecked Sendable {
  private let client: PJRTClient
  private let options: CompileOptions
  private var programs: [StepProgram: PJRTLoadedExecutable] = [:]

  private let compiled: (StepProgram, Double) -> Void

  /// A backend on the first device of a plugin's client.
  /// - Parameter compiled: called with each program after its compilation, and the seconds that this took.
  public init(_ client: PJRTClient, compiled: @escaping (StepProgram, Double) -> Void = { _, _ in }) {
    self.client = client
    self.compiled = compiled
    // On processors, code that is compiled with all of LLVM's passes takes minutes to compile and gains little.
    options =
      client.platformName == "cpu"
      ? CompileOptions(overrides: [
        "xla_llvm_disable_expensive_passes": .flag(true), "xla_backend_optimization_level": .integer(1),
      ]) : CompileOptions()
    super.init()
  }

  /// Enough for a large device; small ones take as many without harm.
  public override var imagesAtOnce: Int { 64 }

  public override var summary: String { "XLA on \(client.devices.first?.kind ?? client.platformName)" }

  /// A backend on the first device that a plugin of some kind finds; see `PluginSearch` and `init`.
  /// - Throws: `PJRTError` where there is no plugin, or it is of another kind or finds no device.
  public static func open(
    _ kind: PluginKind, compiled: @escaping (StepProgram, Double) -> Void = { _, _ in }
  ) throws(PJRTError) -> XLABackend {
    let path = try PluginSearch().path(of: kind)
    let client = try PJRTClient(PJRTPlugin(path: path), options: kind == .cpu ? ["cpu_device_count": 1] : [:])
    guard client.platformName == kind.rawValue, !client.devices.isEmpty else {
      throw .cannotOpen(
        path: path,
        detail: "it is a plugin for \(client.platformName) with \(client.devices.count) devices, not for "
          + "\(kind.rawValue)")
    }
    return XLABackend(client, compiled: compiled)
  }

  /// What the device's memory holds, and held at most; nil where the plugin keeps no such figures.
  public func memory() throws(PJRTError) -> PJRTDeviceMemory? {
    guard let device = client.devices.first else { return nil }
    return try client.memory(of: device)
  }

  public override func buffer(_ elements: [Float], _ shape: Shape) -> PJRTBuffer {
    orEnd { () throws(PJRTError) in try client.upload(elements, shape: shape.dimensions) }
  }

  public override func buffer(_ elements: [Int32], _ shape: Shape) -> PJRTBuffer {
    orEnd { () throws(PJRTError) in try client.upload(elements, shape: shape.dimensions) }
  }

  public override func floats(of buffer: PJRTBuffer, count: Int) -> [Float] {
    orEnd { () throws(PJRTError) in try buffer.elements(as: Float.self) }
  }

  public override func integers(of buffer: PJRTBuffer, count: Int) -> [Int32] {
    orEnd { () throws(PJRTError) in try buffer.elements(as: Int32.self) }
  }

  public override func execute(_ program: StepProgram, _ arguments: [PJRTBuffer], isStep: Bool) -> [PJRTBuffer] {
    orEnd { () throws(PJRTError) in try executable(of: program).execute(arguments).outputs }
  }

  private func executable(of program: StepProgram) throws(PJRTError) -> PJRTLoadedExecutable {
    if let known = programs[program] { return known }
    let start = ContinuousClock.now
    let made = try client.compile(program.stableHLO(), options: options)
    programs[program] = made
    compiled(program, (ContinuousClock.now - start) / .seconds(1))
    return made
  }

  /// A device that fails cannot go on, and operations do not throw: the process ends with a line.
  private func orEnd<Result>(_ body: () throws(PJRTError) -> Result) -> Result {
    do {
      return try body()
    } catch {
      var line = error.description
      if case .failed(_, .resourceExhausted, _) = error { line += "; give a smaller --batch" }
      MemoryShortage.end(saying: line)
    }
  }
}
