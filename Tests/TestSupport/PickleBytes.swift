/// Pickle instructions, put together as Python's pickler does.
public enum PickleBytes {
  /// A whole pickle of protocol 2.
  public static func program(_ body: [UInt8]) -> [UInt8] { [0x80, 2] + body + Array(".".utf8) }

  /// A string.
  public static func text(_ text: String) -> [UInt8] {
    Array("X".utf8) + littleEndian(UInt32(text.utf8.count)) + Array(text.utf8)
  }

  /// An integer.
  public static func int(_ number: Int) -> [UInt8] { [0x8A, 8] + littleEndian(number) }

  /// A function or class by name.
  public static func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }

  /// A tuple.
  public static func tuple(_ items: [[UInt8]]) -> [UInt8] { Array("(".utf8) + items.joined() + Array("t".utf8) }

  /// A list.
  public static func list(_ items: [[UInt8]]) -> [UInt8] { Array("](".utf8) + items.joined() + Array("e".utf8) }

  /// A call of a global.
  public static func call(_ function: [UInt8], _ arguments: [[UInt8]]) -> [UInt8] {
    function + tuple(arguments) + Array("R".utf8)
  }

  /// A dictionary with text keys.
  public static func dictionary(_ items: [(String, [UInt8])]) -> [UInt8] {
    Array("}(".utf8) + items.flatMap { text($0.0) + $0.1 } + Array("u".utf8)
  }

  /// A storage by key.
  /// - Parameter isOld: with the sixth member that files before 1.6 have.
  public static func storage(_ kind: String, _ key: String, _ count: Int, isOld: Bool = false) -> [UInt8] {
    let members = [text("storage"), global("torch", kind + "Storage"), text(key), text("cpu"), int(count)]
    return tuple(members + (isOld ? [Array("N".utf8)] : [])) + Array("Q".utf8)
  }

  /// A call that rebuilds a tensor on a storage.
  public static func tensor(_ storage: [UInt8], _ offset: Int, _ shape: [Int], _ strides: [Int]) -> [UInt8] {
    let noHooks = call(global("collections", "OrderedDict"), [])
    return call(
      global("torch._utils", "_rebuild_tensor_v2"),
      [storage, int(offset), tuple(shape.map(int)), tuple(strides.map(int)), [0x89], noHooks])
  }
}

/// The bytes of an integer, least significant first.
public func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
  withUnsafeBytes(of: number.littleEndian) { Array($0) }
}
