import ArgumentParser
import TensorCore
import XLADevice

/// Where a command computes.
struct DeviceOptions: ParsableArguments {
  @Option(help: "What computes: this machine's processors, or a device through XLA (docs/devices.md).")
  var device = Device.cpu

  @Option(help: "What a device through XLA multiplies networks in; sums are float32.")
  var precision = Precision.float32

  /// How many devices of this process compute together, which a command that trains lets choose.
  var count = DeviceCount.one

  private enum CodingKeys: CodingKey {
    case device, precision
  }

  func validate() throws {
    guard device != .cpu || precision == .float32 else {
      throw ValidationError("--precision \(precision.rawValue) needs --device cuda, rocm, tpu or xla-cpu")
    }
  }

  /// Makes the device the one on which tensors are made. Called before any is.
  /// - Parameter trains: whether the devices of all processes of a job have to add up gradients.
  /// - Throws: `BackendUnavailable`, `PJRTError`.
  func start(trains: Bool) throws {
    // Statistics are computed on the processors wherever features are.
    try Backends.start()
    guard let kind = device.plugin else { return }
    // Processes of a host take its devices in turn; on the plugin for processors each has its own.
    let place = kind == .cpu ? nil : Job.place
    Backends.use(
      try XLABackend.open(
        kind, devices: count.number, firstDevice: (place?.onHost ?? 0) * (count.number ?? 1),
        job: trains ? place?.job : nil, precision: precision, tell: Self.show))
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

/// Where a command that trains computes.
struct TrainingDeviceOptions: ParsableArguments {
  @OptionGroup var each: DeviceOptions

  @Option(help: ArgumentHelp("Devices that share each batch, or 'all' (docs/scale.md).", valueName: "number|all"))
  var devices = DeviceCount.one

  func validate() throws {
    guard each.device != .cpu || devices == .one else {
      throw ValidationError(
        "--devices needs --device cuda, rocm or tpu; processors are shared by 'mpirun -n N dd2 ...'")
    }
  }

  /// The options with the number of devices.
  var all: DeviceOptions {
    var options = each
    options.count = devices
    return options
  }
}

/// How many devices of a process compute together.
struct DeviceCount: Equatable, Codable, ExpressibleByArgument, CustomStringConvertible {
  /// The number; nil for all that there are.
  let number: Int?

  /// One device.
  static let one = DeviceCount(number: 1)

  private init(number: Int?) { self.number = number }

  init?(argument: String) {
    let number = Int(argument)
    guard argument == "all" || number ?? 0 >= 1 else { return nil }
    self.init(number: number)
  }

  var description: String { number.map(String.init) ?? "all" }
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
