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

/// Runs steps through XLA: a step is written down, compiled once by a PJRT plugin, and run on its device.
public final class XLABackend: LazyBackend<PJRTBuffer>, @unchecked Sendable {
  private let client: PJRTClient
  private let options: CompileOptions
  private let precision: Precision
  private var programs: [StepProgram: PJRTLoadedExecutable] = [:]

  private var cache: ProgramCache?
  private let tell: (XLAEvent) -> Void

  /// A backend on the first device of a plugin's client.
  /// - Parameters:
  ///   - precision: of the networks' products.
  ///   - cache: where compiled programs are kept; nil: nowhere.
  ///   - tell: called when programs are compiled.
  public init(
    _ client: PJRTClient, precision: Precision = .float32, cache: ProgramCache? = nil,
    tell: @escaping (XLAEvent) -> Void = { _ in }
  ) {
    self.client = client
    self.precision = precision
    self.cache = cache
    self.tell = tell
    // On processors, code that is compiled with all of LLVM's passes takes minutes to compile and gains little.
    let overrides: [String: CompileOptions.Override] =
      client.platformName == "cpu"
      ? ["xla_llvm_disable_expensive_passes": .flag(true), "xla_backend_optimization_level": .integer(1)] : [:]
    options = CompileOptions(overrides: overrides).adding(precision.overrides)
    super.init()
  }

  /// Enough for a large device; small ones take as many without harm.
  public override var imagesAtOnce: Int { 64 }

  public override var summary: String {
    "XLA on \(client.devices.first?.kind ?? client.platformName), \(precision.rawValue)"
  }

  /// A backend on the first device that a plugin of some kind finds; see `PluginSearch` and `init`.
  /// - Throws: `PJRTError` where there is no plugin, or it is of another kind or finds no device.
  public static func open(
    _ kind: PluginKind, precision: Precision = .float32, cache: ProgramCache? = .standard(),
    tell: @escaping (XLAEvent) -> Void = { _ in }
  ) throws(PJRTError) -> XLABackend {
    XLABackend(try .open(kind), precision: precision, cache: cache, tell: tell)
  }

  /// The memory of the program that takes most of the device's among those so far; nil where the plugin does not say.
  public var largestProgram: PJRTProgramMemory? {
    programs.values.compactMap { try? $0.executable.memory }.max { $0.total < $1.total }
  }

  /// What the device's memory holds; nil where the plugin keeps no such figures.
  public var deviceMemory: PJRTDeviceMemory? { client.devices.first.flatMap { try? client.memory(of: $0) } }

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
    program.stableHLO(precision: precision, widensFactors: client.platformName == "cpu")
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
