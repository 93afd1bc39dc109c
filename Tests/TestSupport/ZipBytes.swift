/// A zip archive as written by someone who may get things wrong.
public struct ZipBytes {
  /// A stored file.
  public struct Entry {
    /// Its path in the archive.
    public var name: String
    /// Its bytes.
    public var content: [UInt8]
    /// Method of compression; 0 is none.
    public var method: UInt16 = 0
    /// General purpose flags.
    public var flags: UInt16 = 0
    /// What the local header says; nil for the same.
    public var localName: String?
    /// Nil for the right one.
    public var checksum: UInt32?
    /// What both headers say of the size of the contents; nil for the truth.
    public var size: Int?
    /// Where the directory says that the entry begins; nil for the truth.
    public var start: Int?
    /// Whether it is a program.
    public var isExecutable = false

    /// An entry that is sound apart from `start`.
    public init(name: String, content: [UInt8], start: Int? = nil) {
      self.name = name
      self.content = content
      self.start = start
    }
  }

  /// In their order.
  public var entries: [Entry]
  /// Whether all numbers stand in the zip64 records only.
  public var isWide = false
  /// Added to the numbers of the end record.
  public var countError = 0
  /// Added to where the end record says that the directory begins.
  public var directoryError = 0

  /// A sound archive.
  public init(entries: [Entry]) { self.entries = entries }

  /// The file.
  public var bytes: [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for entry in entries {
      directory += directoryRecord(entry, start: entry.start ?? file.count)
      file += localHeader(entry) + entry.content
    }
    let start = file.count + directoryError
    return file + directory + endRecords(start: start, size: directory.count, end: file.count + directory.count)
  }

  private func localHeader(_ entry: Entry) -> [UInt8] {
    let name = Array((entry.localName ?? entry.name).utf8)
    let size = UInt32(entry.size ?? entry.content.count)
    return littleEndian(UInt32(0x0403_4b50)) + littleEndian(UInt16(20)) + littleEndian(entry.flags)
      + littleEndian(entry.method) + littleEndian(UInt32(0)) + littleEndian(checksum(entry))
      + littleEndian(UInt32(entry.content.count)) + littleEndian(size) + littleEndian(UInt16(name.count))
      + littleEndian(UInt16(0)) + name
  }

  private func directoryRecord(_ entry: Entry, start: Int) -> [UInt8] {
    let name = Array(entry.name.utf8)
    let numbers = [entry.size ?? entry.content.count, entry.content.count, start]
    let narrow = isWide ? [UInt32](repeating: .max, count: 3) : numbers.map { UInt32($0) }
    let extra = isWide ? littleEndian(UInt16(1)) + littleEndian(UInt16(24)) + numbers.flatMap(littleEndian) : []
    return littleEndian(UInt32(0x0201_4b50)) + littleEndian(UInt16(20)) + littleEndian(UInt16(20))
      + littleEndian(entry.flags) + littleEndian(entry.method) + littleEndian(UInt32(0))
      + littleEndian(checksum(entry)) + littleEndian(narrow[1]) + littleEndian(narrow[0])
      + littleEndian(UInt16(name.count)) + littleEndian(UInt16(extra.count)) + [UInt8](repeating: 0, count: 6)
      + littleEndian(UInt32(entry.isExecutable ? 0o100_755 << 16 : 0)) + littleEndian(narrow[2]) + name + extra
  }

  private func endRecords(start: Int, size: Int, end: Int) -> [UInt8] {
    let count = entries.count + countError
    let wide =
      littleEndian(UInt32(0x0606_4b50)) + littleEndian(44) + littleEndian(UInt32(45 << 16 | 45))
      + littleEndian(UInt64(0)) + [count, count, size, start].flatMap(littleEndian)
      + littleEndian(UInt32(0x0706_4b50)) + littleEndian(UInt32(0)) + littleEndian(end) + littleEndian(UInt32(1))
    let short = isWide ? UInt16.max : UInt16(count)
    return (isWide ? wide : []) + littleEndian(UInt32(0x0605_4b50)) + littleEndian(UInt32(0))
      + littleEndian(short) + littleEndian(short) + littleEndian(isWide ? UInt32.max : UInt32(size))
      + littleEndian(isWide ? UInt32.max : UInt32(start)) + littleEndian(UInt16(0))
  }

  private func checksum(_ entry: Entry) -> UInt32 { entry.checksum ?? Self.checksum(entry.content) }

  /// CRC-32, bit by bit.
  public static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~0) { crc, byte in
      (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in crc & 1 == 1 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1 }
    }
  }
}
