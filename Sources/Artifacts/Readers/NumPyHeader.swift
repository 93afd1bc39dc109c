/// What stands before the elements of a NumPy array (`.npy`, versions 1 to 3): a Python dictionary of exactly `descr`,
/// `fortran_order` and `shape`, padded with blanks.
///
/// Source: `numpy/lib/format.py`.
struct NumPyHeader: Equatable, Sendable {
  let type: WeightsFile.ElementType
  let isFortranOrder: Bool
  /// Extents, slowest axis first.
  let shape: [Int]

  /// Reads a header and leaves the reader at the first element.
  ///
  /// Throws `ArtifactError.wrongFormat` if it is no array, `.corrupt` if the header is damaged or states another number
  /// of bytes than follow, `.unsupported` for another version of the format.
  init(from reader: ByteReader, name: String, path: String) throws {
    let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    guard reader.count >= 10 else {
      throw ArtifactError.wrongFormat(path: path, detail: "\(name.inMessage) is no NumPy array")
    }
    let start = try reader.read(8)
    guard start.starts(with: magic) else {
      throw ArtifactError.wrongFormat(path: path, detail: "\(name.inMessage) is no NumPy array")
    }
    guard (1...3).contains(start[6]), start[7] == 0 else {
      throw ArtifactError.unsupported(
        path: path, detail: "the array \(name.inMessage) is of version \(start[6]).\(start[7]) of NumPy's format")
    }
    let length = try reader.read(start[6] == 1 ? 2 : 4).reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= ReaderLimits.arrayHeaderBytes else {
      throw ArtifactError.tooLarge(path: path, detail: "the header of \(name.inMessage) claims \(length) bytes")
    }
    guard let fields = Fields(try reader.read(length)) else {
      throw ArtifactError.corrupt(path: path, detail: "the header of the array \(name.inMessage) is damaged")
    }
    type = Self.types[fields.descr] ?? .other(fields.descr, byteCount: nil)
    isFortranOrder = fields.isFortranOrder
    shape = fields.shape
    let room = reader.count - reader.position
    guard let size = type.byteCount else { return }
    guard Self.product(shape, size) == room else {
      throw ArtifactError.corrupt(
        path: path, detail: "the array \(name.inMessage) of shape \(shape) is stored in \(room) bytes")
    }
  }

  private static func product(_ shape: [Int], _ size: Int) -> Int? {
    var count = size
    for extent in shape {
      let (product, overflows) = count.multipliedReportingOverflow(by: extent)
      guard !overflows else { return nil }
      count = product
    }
    return count
  }

  private static let types: [String: WeightsFile.ElementType] = [
    "|u1": .uint8, "<u1": .uint8, "<i8": .int64, "<f4": .float32, "<f8": .float64,
  ]
}

/// The dictionary, read strictly and without recursion.
private struct Fields {
  var descr = ""
  var isFortranOrder = false
  var shape: [Int] = []

  init?(_ bytes: [UInt8]) {
    var cursor = LiteralCursor(bytes[...])
    guard cursor.take("{") else { return nil }
    var seen: Set<String> = []
    while !cursor.take("}") {
      guard let key = cursor.text(), cursor.take(":"), seen.insert(key).inserted else { return nil }
      switch key {
      case "descr":
        guard let value = cursor.isAt("[") ? cursor.records() : cursor.text() else { return nil }
        descr = value
      case "fortran_order":
        guard let value = cursor.boolean() else { return nil }
        isFortranOrder = value
      case "shape":
        guard let value = cursor.integers() else { return nil }
        shape = value
      default: return nil
      }
      // A comma, or the end.
      guard cursor.take(",") || cursor.isAt("}") else { return nil }
    }
    guard seen.count == 3, cursor.isAtEnd else { return nil }
  }
}

/// Reads the few Python literals of a header.
private struct LiteralCursor {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  private mutating func skipBlanks() {
    rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
  }

  var isAtEnd: Bool {
    mutating get {
      skipBlanks()
      return rest.isEmpty
    }
  }

  mutating func isAt(_ token: String) -> Bool {
    skipBlanks()
    return rest.starts(with: token.utf8)
  }

  mutating func take(_ token: String) -> Bool {
    guard isAt(token) else { return false }
    rest = rest.dropFirst(token.utf8.count)
    return true
  }

  /// Quoted text without escapes.
  mutating func text() -> String? {
    for quote in ["'", "\""] where take(quote) {
      let inside = rest.prefix { $0 != UInt8(ascii: "'") && $0 != UInt8(ascii: "\"") }
      guard !inside.contains(UInt8(ascii: "\\")), inside.count <= 64 else { return nil }
      rest = rest.dropFirst(inside.count)
      // `take` would skip blanks, which belong to the text.
      guard rest.starts(with: quote.utf8) else { return nil }
      rest = rest.dropFirst()
      return String(validating: inside, as: UTF8.self)
    }
    return nil
  }

  /// The list that describes the fields of a record, passed over; fields may be records and names any text.
  mutating func records() -> String? {
    var open: [UInt8] = []
    var quote: UInt8?
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\\") where quote != nil: _ = rest.popFirst()
      case quote: quote = nil
      case _ where quote != nil: break
      case UInt8(ascii: "'"), UInt8(ascii: "\""): quote = byte
      case UInt8(ascii: "["), UInt8(ascii: "("): open.append(byte)
      case UInt8(ascii: "]"), UInt8(ascii: ")"):
        guard open.popLast() == (byte == UInt8(ascii: "]") ? UInt8(ascii: "[") : UInt8(ascii: "(")) else { return nil }
        if open.isEmpty { return "records" }
      default: break
      }
    }
    return nil
  }

  mutating func boolean() -> Bool? {
    if take("True") { return true }
    return take("False") ? false : nil
  }

  /// A tuple of integers that are not negative; old files write `3L`.
  mutating func integers() -> [Int]? {
    guard take("(") else { return nil }
    var values: [Int] = []
    while !take(")") {
      skipBlanks()
      let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      guard (1...18).contains(digits.count), values.count < ReaderLimits.rank else { return nil }
      values.append(digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) })
      rest = rest.dropFirst(digits.count)
      if rest.first == UInt8(ascii: "L") { rest = rest.dropFirst() }
      guard take(",") || isAt(")") else { return nil }
    }
    return values
  }
}
