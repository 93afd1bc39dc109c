/// The checksum of zip archives (PKWARE APPNOTE 4.4.7), eight bytes at a time so that gigabytes of weights take
/// seconds.
enum CRC32 {
  /// Element `256 k + b` is what byte b does to the checksum when k more bytes follow it.
  private static let tables: [UInt32] = {
    var tables = CRC32C.table(polynomial: 0xEDB8_8320)
    for index in 256..<8 * 256 {
      let shorter = tables[index - 256]
      tables.append((shorter >> 8) ^ tables[Int(shorter & 0xFF)])
    }
    return tables
  }()

  /// The checksum of `bytes`, or of what has the checksum `before` and then `bytes`.
  static func checksum(_ bytes: UnsafeRawBufferPointer, after before: UInt32 = 0) -> UInt32 {
    tables.withUnsafeBufferPointer { tables in
      var crc = ~before
      let whole = bytes.count & ~7
      for position in stride(from: 0, to: whole, by: 8) {
        let low = bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)
        let high = bytes.loadUnaligned(fromByteOffset: position + 4, as: UInt32.self)
        crc = fold(tables, 4, UInt32(littleEndian: low) ^ crc) ^ fold(tables, 0, UInt32(littleEndian: high))
      }
      for byte in bytes[whole...] {
        crc = (crc >> 8) ^ tables[Int((crc ^ UInt32(byte)) & 0xFF)]
      }
      return ~crc
    }
  }

  /// What the four bytes of `word` do when `following` more bytes come after them.
  @inline(__always)
  private static func fold(
    _ tables: UnsafeBufferPointer<UInt32>, _ following: Int, _ word: UInt32
  ) -> UInt32 {
    let first = 256 * following
    let upper = tables[first + Int(word >> 24)] ^ tables[first + 256 + Int((word >> 16) & 0xFF)]
    let lower = tables[first + 512 + Int((word >> 8) & 0xFF)] ^ tables[first + 768 + Int(word & 0xFF)]
    return upper ^ lower
  }
}
