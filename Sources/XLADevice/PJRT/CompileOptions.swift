/// How a program is compiled.
public struct CompileOptions: Equatable, Sendable {
  /// The value of one of XLA's own options.
  public enum Override: Equatable, Sendable {
    /// True or false.
    case flag(Bool)
    /// An integer.
    case integer(Int)
    /// A string, or the name of a case.
    case text(String)
  }

  /// On how many devices the program runs at once, each with its own part of the data.
  public var replicas: Int
  /// Into how many parts the compiler cuts the program.
  public var partitions: Int
  /// The number (`PJRTDevice.id`) of the device that a program of one replica and one partition runs on; nil for the
  /// client's first ones.
  public var device: Int?
  /// XLA's own options, such as `xla_gpu_enable_triton_gemm`, by name without dashes before it.
  public var overrides: [String: Override]

  /// Options.
  public init(replicas: Int = 1, partitions: Int = 1, device: Int? = nil, overrides: [String: Override] = [:]) {
    precondition(
      device == nil || (replicas == 1 && partitions == 1), "a device for \(replicas) x \(partitions) parts of a program"
    )
    self.replicas = replicas
    self.partitions = partitions
    self.device = device
    self.overrides = overrides
  }

  /// These options with more of XLA's own.
  func adding(_ more: [String: Override]) -> CompileOptions {
    var options = self
    options.overrides.merge(more) { $1 }
    return options
  }

  /// A `CompileOptionsProto` (openxla/xla, `xla/pjrt/proto/compile_options.proto`).
  var serialized: [UInt8] {
    var build = ProtobufWriter()
    build.integer(1, device ?? -1)
    build.integer(4, replicas)
    build.integer(5, partitions)
    if let device { build.message(9, Self.assignment(to: device)) }
    var options = ProtobufWriter()
    options.message(3, build)
    // Sorted, so that equal options are equal bytes: they are part of a cache's key.
    for (name, value) in overrides.sorted(by: { $0.key < $1.key }) {
      var entry = ProtobufWriter()
      entry.text(1, name)
      entry.message(2, value.message)
      options.message(7, entry)
    }
    return options.bytes
  }

  /// A `DeviceAssignmentProto` of one replica and one computation (`xla/xla_data.proto`).
  private static func assignment(to device: Int) -> ProtobufWriter {
    var computation = ProtobufWriter()
    computation.integer(1, device)
    var assignment = ProtobufWriter()
    assignment.integer(1, 1)
    assignment.integer(2, 1)
    assignment.message(3, computation)
    return assignment
  }
}

extension CompileOptions.Override {
  /// An `OptionOverrideProto`.
  fileprivate var message: ProtobufWriter {
    var message = ProtobufWriter()
    switch self {
    case .text(let text): message.text(1, text)
    case .flag(let flag): message.integer(2, flag ? 1 : 0)
    case .integer(let integer): message.integer(3, integer)
    }
    return message
  }
}

/// Writes a protocol buffer: fields in the order in which they are added, zeros too.
struct ProtobufWriter {
  private(set) var bytes: [UInt8] = []

  /// A field of an integer or boolean type.
  mutating func integer(_ field: Int, _ value: Int) {
    varint(UInt64(field) << 3)
    varint(UInt64(bitPattern: Int64(value)))
  }

  /// A string.
  mutating func text(_ field: Int, _ value: String) { block(field, Array(value.utf8)) }

  /// A message within this one.
  mutating func message(_ field: Int, _ value: ProtobufWriter) { block(field, value.bytes) }

  private mutating func block(_ field: Int, _ value: [UInt8]) {
    varint(UInt64(field) << 3 | 2)
    varint(UInt64(value.count))
    bytes += value
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
