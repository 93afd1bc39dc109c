/// Reads the JSON header of a safetensors file: `{"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
/// ...}`, and text pairs under `__metadata__`. Nothing else is allowed, so nothing can nest.
struct SafetensorsHeader {
  /// A tensor as the header describes it, nothing of it checked.
  struct Tensor {
    let name: String
    let type: String
    let shape: [Int]
    let begin: Int
    let end: Int
  }

  private let path: String
  private let text: [UInt8]
  private var position = 0

  init(_ header: MappedBytes) {
    path = header.path
    text = header.withUnsafeBytes { [UInt8]($0) }
  }

  /// The tensors in the order of the header. Throws `ArtifactError.corrupt` if it is no such header, `.tooLarge` for
  /// too many tensors.
  mutating func tensors() throws -> [Tensor] {
    var tensors: [Tensor] = []
    try members { header, name in
      if name == "__metadata__" {
        try header.members { header, _ in try header.skipString() }
      } else {
        guard tensors.count < ReaderLimits.entries else {
          throw ArtifactError.tooLarge(path: header.path, detail: "its header lists too many tensors")
        }
        tensors.append(try header.tensor(name))
      }
    }
    skipSpace()
    guard position == text.count else { throw corrupt("something follows the header's last brace") }
    return tensors
  }

  private mutating func tensor(_ name: String) throws -> Tensor {
    var type: String?
    var shape: [Int]?
    var offsets: [Int]?
    try members { header, key in
      switch key {
      case "dtype" where type == nil: type = try header.string()
      case "shape" where shape == nil: shape = try header.integers()
      case "data_offsets" where offsets == nil: offsets = try header.integers()
      default: throw header.corrupt("the tensor \(name.inMessage) has an unknown or repeated \(key.inMessage)")
      }
    }
    guard let type, let shape, let offsets, offsets.count == 2 else {
      throw corrupt("the tensor \(name.inMessage) lacks its dtype, shape or two data_offsets")
    }
    return Tensor(name: name, type: type, shape: shape, begin: offsets[0], end: offsets[1])
  }

  /// Calls `body` at the value of each member of an object.
  private mutating func members(_ body: (inout SafetensorsHeader, String) throws -> Void) throws {
    try expect("{")
    guard !accept("}") else { return }
    repeat {
      let key = try string()
      try expect(":")
      try body(&self, key)
    } while accept(",")
    try expect("}")
  }

  private mutating func integers() throws -> [Int] {
    try expect("[")
    guard !accept("]") else { return [] }
    var integers: [Int] = []
    repeat {
      guard integers.count < ReaderLimits.rank else { throw corrupt("a list of numbers is too long") }
      integers.append(try integer())
    } while accept(",")
    try expect("]")
    return integers
  }

  private mutating func integer() throws -> Int {
    skipSpace()
    let zero = UInt8(ascii: "0")
    let digits = text[position...].prefix { (zero...zero + 9).contains($0) }
    guard digits.count == 1 || digits.first != zero, let value = Int(String(decoding: digits, as: UTF8.self)) else {
      throw corrupt("a number is missing, has a leading zero or is too large")
    }
    position += digits.count
    return value
  }

  private mutating func string() throws -> String {
    try expect("\"")
    var bytes: [UInt8] = []
    while let byte = next() {
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: bytes, as: UTF8.self) else { throw corrupt("a text is not UTF-8") }
        return string
      case UInt8(ascii: "\\"): try bytes.append(contentsOf: String(escaped()).utf8)
      case 0..<0x20: throw corrupt("a text has control characters")
      default: bytes.append(byte)
      }
      guard bytes.count <= ReaderLimits.textBytes else { throw corrupt("a text is too long") }
    }
    throw corrupt("a text does not end")
  }

  /// Passes over a text of any length.
  private mutating func skipString() throws {
    try expect("\"")
    while let byte = next() {
      switch byte {
      case UInt8(ascii: "\""): return
      case UInt8(ascii: "\\"): _ = try escaped()
      case 0..<0x20: throw corrupt("a text has control characters")
      default: break
      }
    }
    throw corrupt("a text does not end")
  }

  /// What stands after a backslash.
  private mutating func escaped() throws -> Character {
    switch next() {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      var units = [try hexadecimal()]
      if UTF16.isLeadSurrogate(units[0]), next() == UInt8(ascii: "\\"), next() == UInt8(ascii: "u") {
        units.append(try hexadecimal())
      }
      if let character = String(validating: units, as: UTF16.self)?.first { return character }
    default: break
    }
    throw corrupt("a text has a wrong escape")
  }

  private mutating func hexadecimal() throws -> UInt16 {
    let digits = text[position...].prefix(4)
    guard digits.count == 4, digits.first != UInt8(ascii: "+"), digits.first != UInt8(ascii: "-"),
      let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw corrupt("a text has a wrong escape") }
    position += 4
    return unit
  }

  private mutating func next() -> UInt8? {
    guard position < text.count else { return nil }
    position += 1
    return text[position - 1]
  }

  private mutating func skipSpace() {
    while position < text.count, isSpace(text[position]) { position += 1 }
  }

  private func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws {
    guard accept(character) else { throw corrupt("\(String(character).inMessage) is missing") }
  }

  private func corrupt(_ detail: String) -> ArtifactError {
    .corrupt(path: path, detail: "header byte \(position): \(detail)")
  }
}
