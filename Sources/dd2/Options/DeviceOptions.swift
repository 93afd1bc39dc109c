import ArgumentParser
import TensorCore
import XLADevice

/// Where a command computes.
struct DeviceOptions: ParsableArguments {
  @Option(help: "What computes: this machine's processors, or a device through XLA (docs/devices.md).")
  var device = Device.cpu

  @Option(help: "What a device through XLA multiplies networks in; sums are float32.")
  var precision = Precision.float32

  func validate() throws {
    guard device != .cpu || precision == .float32 else {
      throw ValidationError("--precision \(precision.rawValue) needs --device cuda, rocm, tpu or xla-cpu")
    }
  }

  /// Makes the device the one on which tensors are made. Called before any is.
  /// - Throws: `BackendUnavailable`, `PJRTError`.
  func start() throws {
    // Statistics are computed on the processors wherever features are.
    try Backends.start()
    guard let kind = device.plugin else { return }
    Backends.use(try XLABackend.open(kind, precision: precision, tell: Self.show))
  }

  private static func show(_ event: XLAEvent) {
    func time(_ seconds: Double) -> String { seconds.formatted(.number.precision(.fractionLength(1))) + " s" }
    switch event {
    case .compiling: Interrupts.isCompiling = true
    case .compiled(let program, let seconds):
      Interrupts.isCompiling = false
      Log.info("compiled a program of \(program.instructions.count) operations in \(time(seconds))")
    case .loaded(let program, let seconds):
      Log.info(
        "took a compiled program of \(program.instructions.count) operations from the cache in \(time(seconds))")
    case .cacheFailed(let reason): Log.warning("warning: compiled programs are not kept (\(reason))")
    }
  }
}

/// What a process can compute on.
enum Device: String, CaseIterable, Codable, ExpressibleByArgument {
  case cpu
  case xlaCPU = "xla-cpu"
  case cuda, rocm, tpu

  /// The plugin that it takes; nil for dd2's own kernels.
  var plugin: PluginKind? {
    switch self {
    case .cpu: nil
    case .xlaCPU: .cpu
    case .cuda: .cuda
    case .rocm: .rocm
    case .tpu: .tpu
    }
  }
}

extension Precision: ExpressibleByArgument {}
