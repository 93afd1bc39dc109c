/// A file inside a zip archive, as the archive's directory describes it.
///
/// Source: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.5.3.
struct ZipEntry: Sendable {
  let name: String
  /// Bit 0: encrypted. Bit 3: the sizes follow the data, so the local header may leave them out.
  let flags: Int
  /// 0: as it is. 8: deflated.
  let method: Int
  /// CRC-32 of the contents.
  let checksum: Int
  /// Bytes that the entry takes in the archive.
  let compressedSize: Int
  /// Bytes of the contents.
  let size: Int
  /// Where the local header begins in the archive.
  let header: Int
  /// Whether it is a program, as Unix has it.
  let isExecutable: Bool

  private static let fixedSize = 46
  private static let localFixedSize = 30

  /// Reads the directory's record at `position`; nil if it is damaged. `next` is where the following one begins.
  static func read(from directory: MappedBytes, at position: Int) -> (entry: ZipEntry, next: Int)? {
    guard directory.int(UInt32.self, at: position) == 0x0201_4b50,
      let flags = directory.int(UInt16.self, at: position + 8),
      let method = directory.int(UInt16.self, at: position + 10),
      let checksum = directory.int(UInt32.self, at: position + 16),
      let compressedSize = directory.int(UInt32.self, at: position + 20),
      let size = directory.int(UInt32.self, at: position + 24),
      let nameLength = directory.int(UInt16.self, at: position + 28),
      let extraLength = directory.int(UInt16.self, at: position + 30),
      let commentLength = directory.int(UInt16.self, at: position + 32),
      directory.int(UInt16.self, at: position + 34) == 0,
      let attributes = directory.int(UInt32.self, at: position + 38),
      let header = directory.int(UInt32.self, at: position + 42),
      let name = directory.slice(at: position + fixedSize, count: nameLength)?.text,
      let extra = directory.slice(at: position + fixedSize + nameLength, count: extraLength),
      let wide = widened([size, compressedSize, header], by: extra)
    else { return nil }
    let entry = ZipEntry(
      name: name, flags: flags, method: method, checksum: checksum, compressedSize: wide[1], size: wide[0],
      header: wide[2], isExecutable: attributes >> 16 & 0o111 != 0)
    return (entry, position + fixedSize + nameLength + extraLength + commentLength)
  }

  /// Numbers of all ones stand in the zip64 field of `extra` instead, in this order; nil if they do not.
  private static func widened(_ narrow: [Int], by extra: MappedBytes) -> [Int]? {
    guard narrow.contains(0xFFFF_FFFF) else { return narrow }
    guard var position = zip64Field(of: extra) else { return nil }
    var wide = narrow
    for index in wide.indices where wide[index] == 0xFFFF_FFFF {
      guard let value = extra.int(UInt64.self, at: position) else { return nil }
      wide[index] = value
      position += 8
    }
    return wide
  }

  private static func zip64Field(of extra: MappedBytes) -> Int? {
    var position = 0
    while let identifier = extra.int(UInt16.self, at: position), let length = extra.int(UInt16.self, at: position + 2) {
      if identifier == 1 { return position + 4 }
      position += 4 + length
    }
    return nil
  }

  /// The entry's bytes in the archive as they are stored there; nil if the local header contradicts the directory
  /// or the bytes reach outside.
  func payload(in archive: MappedBytes) -> MappedBytes? {
    guard archive.int(UInt32.self, at: header) == 0x0403_4b50,
      archive.int(UInt16.self, at: header + 6) == flags,
      archive.int(UInt16.self, at: header + 8) == method,
      let nameLength = archive.int(UInt16.self, at: header + 26),
      let extraLength = archive.int(UInt16.self, at: header + 28),
      archive.slice(at: header + Self.localFixedSize, count: nameLength)?.text == name,
      flags & 8 != 0 || localNumbersAgree(in: archive)
    else { return nil }
    return archive.slice(at: header + Self.localFixedSize + nameLength + extraLength, count: compressedSize)
  }

  private func localNumbersAgree(in archive: MappedBytes) -> Bool {
    let expected = [(14, checksum), (18, compressedSize), (22, size)]
    return expected.allSatisfy { position, number in
      let found = archive.int(UInt32.self, at: header + position)
      return found == number || (position != 14 && found == 0xFFFF_FFFF)
    }
  }
}
