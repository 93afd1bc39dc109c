import Foundation

/// Writes scalars, pictures and settings for TensorBoard: TFRecord frames around `Event` messages
/// (tensorflow/core/util/event.proto).
/// Not for use from several threads.
public final class TensorBoardWriter {
  /// The event file, named as TensorBoard expects.
  public let path: String
  private let descriptor: Int32

  /// Starts an event file in `folder`. A run that resumes gives the first step it will write, from which
  /// TensorBoard then hides what earlier files in the folder hold.
  ///
  /// Throws `ArtifactError.cannotCreate` or `.inputOutput`.
  public init(folder: String, resumingAt step: Int? = nil) throws {
    let now = Date().timeIntervalSince1970
    let unique = "\(getpid())." + String(UInt32.random(in: 0...UInt32.max), radix: 16)
    // TensorBoard reads files in the order of their names, which a clock that was set back must not change.
    let earlier = ((try? FileAccess.names(in: folder)) ?? []).filter { $0.hasPrefix(Self.prefix) }
      .compactMap { $0.dropFirst(Self.prefix.count).split(separator: ".").first.flatMap { UInt32($0) } }
    let time = max(Int(now), Int(earlier.max() ?? 0) + 1)
    let name = Self.prefix + "\(time).\(ProcessInfo.processInfo.hostName).\(unique)"
    path = folder + "/" + name
    descriptor = path.withPath { open($0, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o666) }
    guard descriptor >= 0 else {
      throw ArtifactError.cannotCreate(path: path, detail: FileAccess.systemMessage())
    }
    try write(TensorBoardEvent.fileVersion(wallTime: now))
    if let step {
      try write(TensorBoardEvent.sessionStart(wallTime: now, step: step))
    }
  }

  deinit { close(descriptor) }

  private static let prefix = "events.out.tfevents."

  /// Adds the values of one step. Throws `ArtifactError.nonFinite` and writes nothing if a value is NaN or
  /// infinite
  /// (as `Float`, which is what the format holds), `.inputOutput` if the disk is full.
  public func append(step: Int, values: [(String, Double)]) throws {
    for (name, value) in values where !Float(value).isFinite {
      throw ArtifactError.nonFinite(path: path, name: name, value: "\(value)")
    }
    let now = Date().timeIntervalSince1970
    try write(TensorBoardEvent.scalars(wallTime: now, step: step, values: values))
  }

  /// Adds a picture.
  /// - Parameters:
  ///   - tag: its name.
  ///   - encoded: the contents of a PNG file.
  /// - Throws: `ArtifactError.inputOutput`.
  public func append(step: Int, picture tag: String, width: Int, height: Int, encoded: Data) throws {
    let now = Date().timeIntervalSince1970
    try write(
      TensorBoardEvent.picture(
        wallTime: now, step: step, tag: tag, width: width, height: height, encoded: [UInt8](encoded)))
  }

  /// Adds the run's settings, for the table of hyperparameters.
  /// - Throws: `ArtifactError.inputOutput`.
  public func append(settings: [(path: String, text: String)]) throws {
    let now = Date().timeIntervalSince1970
    try write(TensorBoardEvent.settings(wallTime: now, settings))
  }

  private func write(_ event: [UInt8]) throws {
    try AtomicFile.writeAll(Data(TensorBoardEvent.record(event)), to: descriptor, path: path)
  }
}

/// The few messages that scalars take, encoded by hand.
enum TensorBoardEvent {
  /// `Event { wall_time = 1, file_version = 3 }`, the first of a file.
  static func fileVersion(wallTime: Double) -> [UInt8] {
    time(wallTime) + field(3, Array("brain.Event:2".utf8))
  }

  /// `Event { wall_time = 1, step = 2, session_log = 7 { status = 1 START } }`.
  static func sessionStart(wallTime: Double, step: Int) -> [UInt8] {
    time(wallTime) + field(2, step) + field(7, field(1, 1))
  }

  /// `Event { wall_time = 1, step = 2, summary = 5 { value = 1 { tag = 1, simple_value = 2 } ... } }`.
  static func scalars(wallTime: Double, step: Int, values: [(String, Double)]) -> [UInt8] {
    let summary = values.flatMap { name, value in
      field(1, field(1, Array(name.utf8)) + field(2, Float(value)))
    }
    return time(wallTime) + field(2, step) + field(5, summary)
  }

  /// `Event { ... summary = 5 { value = 1 { tag = 1, image = 4 { height = 1, width = 2, colorspace = 3,
  /// encoded_image_string = 4 } } } }`.
  static func picture(
    wallTime: Double, step: Int, tag: String, width: Int, height: Int, encoded: [UInt8]
  ) -> [UInt8] {
    let image = field(1, height) + field(2, width) + field(3, 3) + field(4, encoded)
    return time(wallTime) + field(2, step) + field(5, field(1, field(1, Array(tag.utf8)) + field(4, image)))
  }

  /// The start of a session with hyperparameters (tensorboard/plugins/hparams/plugin_data.proto): `HParamsPluginData {
  /// session_start_info = 3 { hparams = 1 map of Value, start_time_secs = 5 } }` as the content of a plugin's metadata.
  static func settings(wallTime: Double, _ settings: [(path: String, text: String)]) -> [UInt8] {
    let map = settings.flatMap { name, text in field(1, field(1, Array(name.utf8)) + field(2, value(text))) }
    let content = field(3, map + tag(5, wireType: 1) + bytes(wallTime.bitPattern))
    let metadata = field(1, field(1, Array("hparams".utf8)) + field(2, content))
    let entry = field(1, Array("_hparams_/session_start_info".utf8)) + field(9, metadata)
    return time(wallTime) + field(5, field(1, entry))
  }

  /// `google.protobuf.Value`: a number, a truth value or a text.
  private static func value(_ text: String) -> [UInt8] {
    if text == "true" || text == "false" { return tag(4, wireType: 0) + [text == "true" ? 1 : 0] }
    if let number = Double(text), number.isFinite { return tag(2, wireType: 1) + bytes(number.bitPattern) }
    return field(3, Array(text.utf8))
  }

  /// A TFRecord: length, its checksum, the data, their checksum, all little-endian.
  static func record(_ data: [UInt8]) -> [UInt8] {
    let length = bytes(UInt64(data.count))
    return length + bytes(CRC32C.masked(length)) + data + bytes(CRC32C.masked(data))
  }

  private static func time(_ wallTime: Double) -> [UInt8] {
    tag(1, wireType: 1) + bytes(wallTime.bitPattern)
  }

  private static func field(_ number: UInt64, _ value: Int) -> [UInt8] {
    tag(number, wireType: 0) + varint(UInt64(bitPattern: Int64(value)))
  }

  private static func field(_ number: UInt64, _ value: Float) -> [UInt8] {
    tag(number, wireType: 5) + bytes(value.bitPattern)
  }

  private static func field(_ number: UInt64, _ contents: [UInt8]) -> [UInt8] {
    tag(number, wireType: 2) + varint(UInt64(contents.count)) + contents
  }

  private static func tag(_ number: UInt64, wireType: UInt64) -> [UInt8] {
    varint(number << 3 | wireType)
  }

  private static func varint(_ value: UInt64) -> [UInt8] {
    var rest = value
    var encoded: [UInt8] = []
    while rest >= 0x80 {
      encoded.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    return encoded + [UInt8(rest)]
  }

  private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian, Array.init)
  }
}
