import CPJRT

/// A named value's value: an option of a client, an attribute of a plugin.
public enum PJRTValue: Equatable, Sendable {
  /// A string.
  case text(String)
  /// An integer of 64 bits.
  case integer(Int)
  /// Some of them.
  case integers([Int])
  /// A number of 32 bits.
  case real(Float)
  /// True or false.
  case flag(Bool)
}

extension PJRTValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
  /// A string.
  public init(stringLiteral value: String) { self = .text(value) }
  /// An integer.
  public init(integerLiteral value: Int) { self = .integer(value) }
}

extension PJRTValue {
  /// A list that a plugin gives, by name. Values of kinds that nobody knows yet are left out.
  static func dictionary(_ values: OpaquePointer?, _ count: Int) -> [String: PJRTValue] {
    var result: [String: PJRTValue] = [:]
    guard let values else { return result }
    for index in 0..<count {
      let value = dd2_pjrt_value_at(values, index)
      result[String(value.name, value.name_size)] = PJRTValue(value)
    }
    return result
  }

  private init?(_ value: dd2_pjrt_value) {
    switch Int(value.kind) {
    case Int(DD2_PJRT_TEXT): self = .text(String(value.text, value.count))
    case Int(DD2_PJRT_INTEGER): self = .integer(Int(value.integer))
    case Int(DD2_PJRT_INTEGERS):
      self = .integers(UnsafeBufferPointer(start: value.integers, count: value.count).map { Int($0) })
    case Int(DD2_PJRT_REAL): self = .real(value.real)
    case Int(DD2_PJRT_FLAG): self = .flag(value.flag)
    default: return nil
    }
  }

  /// Calls `body` with options as C takes them, in the order of their names.
  static func withOptions(
    _ options: [String: PJRTValue], _ body: (UnsafePointer<dd2_pjrt_value>?, Int) -> Int32
  ) -> Int32 {
    let storage = OptionStorage()
    let values = options.sorted { $0.key < $1.key }.map { storage.value($0.key, $0.value) }
    return withExtendedLifetime(storage) { values.withUnsafeBufferPointer { body($0.baseAddress, $0.count) } }
  }
}

/// The memory that options point to.
private final class OptionStorage {
  private var texts: [UnsafeMutableBufferPointer<CChar>] = []
  private var lists: [UnsafeMutableBufferPointer<Int64>] = []

  deinit {
    for text in texts { text.deallocate() }
    for list in lists { list.deallocate() }
  }

  func value(_ name: String, _ value: PJRTValue) -> dd2_pjrt_value {
    let name = text(name)
    var result = dd2_pjrt_value()
    result.name = UnsafePointer(name.baseAddress)
    result.name_size = name.count
    switch value {
    case .text(let string):
      let text = text(string)
      (result.kind, result.text, result.count) = (Int32(DD2_PJRT_TEXT), UnsafePointer(text.baseAddress), text.count)
    case .integer(let integer):
      (result.kind, result.integer) = (Int32(DD2_PJRT_INTEGER), Int64(integer))
    case .integers(let integers):
      let list = UnsafeMutableBufferPointer<Int64>.allocate(capacity: integers.count)
      _ = list.initialize(from: integers.map { Int64($0) })
      lists.append(list)
      (result.kind, result.integers, result.count) =
        (Int32(DD2_PJRT_INTEGERS), UnsafePointer(list.baseAddress), list.count)
    case .real(let real):
      (result.kind, result.real) = (Int32(DD2_PJRT_REAL), real)
    case .flag(let flag):
      (result.kind, result.flag) = (Int32(DD2_PJRT_FLAG), flag)
    }
    return result
  }

  private func text(_ string: String) -> UnsafeMutableBufferPointer<CChar> {
    let text = UnsafeMutableBufferPointer<CChar>.allocate(capacity: string.utf8.count)
    _ = text.initialize(from: string.utf8.lazy.map { CChar(bitPattern: $0) })
    texts.append(text)
    return text
  }
}

extension String {
  /// A text that a plugin owns.
  init(_ start: UnsafePointer<CChar>?, _ size: Int) {
    let bytes = UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : size)
    self.init(decoding: bytes, as: UTF8.self)
  }

  init(_ text: dd2_pjrt_text) { self.init(text.start, text.size) }
}
