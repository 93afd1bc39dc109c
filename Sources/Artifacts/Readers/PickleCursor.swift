/// Reads the operands of pickle instructions one after another.
struct PickleCursor {
  private let bytes: MappedBytes
  /// The next byte to be read.
  private(set) var position: Int
  private var textTotal = 0

  init(_ bytes: MappedBytes, from position: Int) {
    self.bytes = bytes
    self.position = position
  }

  /// An error at the present position.
  func corrupt(_ detail: String) -> ArtifactError {
    .corrupt(path: bytes.path, detail: "pickle byte \(position): \(detail)")
  }

  /// A little-endian integer. Throws `ArtifactError.corrupt` if the pickle ends inside it or it is no `Int`.
  mutating func int<Stored: FixedWidthInteger & BitwiseCopyable>(_ type: Stored.Type) throws -> Int {
    guard let value = bytes.int(type, at: position) else {
      throw corrupt("the pickle ends inside an instruction, or a number is too large")
    }
    position += MemoryLayout<Stored>.size
    return value
  }

  /// Passes over bytes that do not matter.
  mutating func skip(_ count: Int) throws {
    _ = try take(count)
  }

  /// A two's complement integer of `count` bytes; nil if it does not fit an `Int`.
  mutating func longInteger(_ count: Int) throws -> Int? {
    let digits = try take(count)
    guard count <= 8 else { return nil }
    var value = 0
    for index in (0..<count).reversed() {
      value = value << 8 | (digits.int(UInt8.self, at: index) ?? 0)
    }
    // Move the sign bit to the top and back to spread it.
    let unused = 64 - 8 * count
    return count == 0 ? 0 : (value << unused) >> unused
  }

  /// Text of `count` bytes, nil if they are not UTF-8. Throws `ArtifactError.corrupt` if the texts are too long in all.
  mutating func text(_ count: Int) throws -> String? {
    let taken = try take(count)
    textTotal += count
    guard textTotal <= ReaderLimits.totalTextBytes else { throw corrupt("the texts are too long in all") }
    return taken.text
  }

  /// The operand of a text instruction: everything up to the end of the line.
  mutating func line() throws -> String {
    for length in 0...ReaderLimits.lineBytes {
      guard let byte = bytes.int(UInt8.self, at: position + length) else { break }
      guard byte == UInt8(ascii: "\n") else { continue }
      guard let line = try text(length) else { throw corrupt("a line is not UTF-8") }
      position += 1
      return line
    }
    throw corrupt("a line is too long or does not end")
  }

  private mutating func take(_ count: Int) throws -> MappedBytes {
    guard let taken = bytes.slice(at: position, count: count) else {
      throw corrupt("the pickle ends inside an instruction")
    }
    position += count
    return taken
  }
}
