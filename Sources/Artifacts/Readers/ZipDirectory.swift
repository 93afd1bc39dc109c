/// Where the list of a zip archive's entries lies, from the records at the archive's end, of either width.
///
/// Source: PKWARE APPNOTE 6.3.10, sections 4.3.14 to 4.3.16.
struct ZipDirectory {
  /// How many entries are listed.
  let count: Int
  /// Where the list begins in the archive; everything before belongs to the entries.
  let start: Int
  /// The list itself.
  let bytes: MappedBytes

  private static let recordSize = 22
  private static let locatorSize = 20
  private static let record64Size = 56

  /// Finds the list. Throws `ArtifactError.corrupt` if the end records are missing or contradict each other or the
  /// file's length, `.unsupported` for an archive in several parts, `.tooLarge` for too many entries.
  init(of archive: MappedBytes) throws {
    guard let end = Self.endRecord(of: archive), let narrow = Self.narrowFields(of: archive, at: end) else {
      throw ArtifactError.corrupt(
        path: archive.path, detail: "the zip archive has no end record; the file is probably cut short")
    }
    var fields = narrow
    var limit = end
    let locator = end - Self.locatorSize
    if archive.int(UInt32.self, at: locator) == 0x0706_4b50 {
      guard let wide = Self.wideFields(of: archive, locator: locator), wide.agree(with: narrow) else {
        throw Self.contradiction(archive)
      }
      fields = wide
      limit = locator - Self.record64Size
    }
    guard fields.disk == 0, fields.directoryDisk == 0, fields.countOnDisk == fields.count else {
      throw ArtifactError.unsupported(path: archive.path, detail: "the zip archive has several parts")
    }
    guard fields.count <= ReaderLimits.entries else {
      throw ArtifactError.tooLarge(path: archive.path, detail: "the zip archive claims \(fields.count) entries")
    }
    guard let bytes = archive.slice(at: fields.start, count: fields.size), fields.start + fields.size <= limit
    else { throw Self.contradiction(archive) }
    count = fields.count
    start = fields.start
    self.bytes = bytes
  }

  private static func contradiction(_ archive: MappedBytes) -> ArtifactError {
    .corrupt(path: archive.path, detail: "the end records of the zip archive contradict each other or the file")
  }

  /// The numbers that both widths of the end record hold.
  private struct Fields {
    let disk, directoryDisk, countOnDisk, count, size, start: Int

    /// Whether each number of the narrow record is the same, or all ones: "see the wide record".
    func agree(with narrow: Fields) -> Bool {
      func agree(_ field: KeyPath<Fields, Int>, _ allOnes: Int) -> Bool {
        narrow[keyPath: field] == self[keyPath: field] || narrow[keyPath: field] == allOnes
      }
      let counts: [KeyPath<Fields, Int>] = [\.disk, \.directoryDisk, \.countOnDisk, \.count]
      let lengths: [KeyPath<Fields, Int>] = [\.size, \.start]
      return counts.allSatisfy { agree($0, 0xFFFF) } && lengths.allSatisfy { agree($0, 0xFFFF_FFFF) }
    }
  }

  /// The end record is the last thing in the file but for a comment whose length it states.
  private static func endRecord(of archive: MappedBytes) -> Int? {
    let last = archive.count - recordSize
    guard last >= 0 else { return nil }
    return (max(0, last - Int(UInt16.max))...last).reversed().first { position in
      archive.int(UInt32.self, at: position) == 0x0605_4b50
        && archive.int(UInt16.self, at: position + 20) == last - position
    }
  }

  private static func narrowFields(of archive: MappedBytes, at end: Int) -> Fields? {
    guard let disk = archive.int(UInt16.self, at: end + 4),
      let directoryDisk = archive.int(UInt16.self, at: end + 6),
      let countOnDisk = archive.int(UInt16.self, at: end + 8),
      let count = archive.int(UInt16.self, at: end + 10),
      let size = archive.int(UInt32.self, at: end + 12),
      let start = archive.int(UInt32.self, at: end + 16)
    else { return nil }
    return Fields(
      disk: disk, directoryDisk: directoryDisk, countOnDisk: countOnDisk, count: count, size: size, start: start)
  }

  /// The zip64 record, which stands right before its locator: vendors may extend it, no writer of weights does.
  private static func wideFields(of archive: MappedBytes, locator: Int) -> Fields? {
    let record = locator - record64Size
    guard archive.int(UInt64.self, at: locator + 8) == record,
      archive.int(UInt32.self, at: record) == 0x0606_4b50,
      archive.int(UInt64.self, at: record + 4) == record64Size - 12,
      let disk = archive.int(UInt32.self, at: record + 16),
      let directoryDisk = archive.int(UInt32.self, at: record + 20),
      let countOnDisk = archive.int(UInt64.self, at: record + 24),
      let count = archive.int(UInt64.self, at: record + 32),
      let size = archive.int(UInt64.self, at: record + 40),
      let start = archive.int(UInt64.self, at: record + 48)
    else { return nil }
    return Fields(
      disk: disk, directoryDisk: directoryDisk, countOnDisk: countOnDisk, count: count, size: size, start: start)
  }
}
