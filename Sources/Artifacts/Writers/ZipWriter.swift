import Foundation

/// Writes a zip archive of stored entries, one after the other, of any length altogether.
///
/// Source: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3. Where an entry begins always stands in the wide (zip64) fields:
/// one form for small and large archives.
struct ZipWriter {
  private let file: TemporaryFile
  private var written = 0
  private var directory = Data()
  private var count = 0

  private static let versionNeeded: UInt16 = 45
  /// What PyTorch aligns elements to, for reading by mapping.
  private static let alignment = 64
  /// The name of the field that fills up to it, as PyTorch writes it.
  private static let fillerField: UInt16 = 0x4246
  private static let seeWide = UInt32.max

  init(_ file: TemporaryFile) { self.file = file }

  /// Appends an entry whose contents begin at a multiple of 64.
  ///
  /// Throws `ArtifactError.inputOutput`, and `.unsupported` for 4 GiB or more.
  mutating func add(_ name: String, _ contents: Data) throws {
    guard contents.count < UInt32.max else {
      throw ArtifactError.unsupported(
        path: file.destination, detail: "\(name) takes \(contents.count) bytes; no entry may take 4 GiB")
    }
    let size = UInt32(contents.count)
    let sum = contents.withUnsafeBytes { CRC32.checksum($0) }
    // No flags, stored, and the first date that the format knows.
    let common =
      Data(littleEndian: Self.versionNeeded) + Data(count: 6) + Data(littleEndian: UInt16(0x21))
      + Data(littleEndian: sum) + Data(littleEndian: size) + Data(littleEndian: size)
      + Data(littleEndian: UInt16(name.utf8.count))
    let before = written + 30 + name.utf8.count + 4
    let filler = (Self.alignment - before % Self.alignment) % Self.alignment
    let header =
      Data(littleEndian: UInt32(0x0403_4b50)) + common + Data(littleEndian: UInt16(4 + filler)) + Data(name.utf8)
      + Data(littleEndian: Self.fillerField) + Data(littleEndian: UInt16(filler)) + Data(count: filler)
    directory +=
      Data(littleEndian: UInt32(0x0201_4b50)) + Data(littleEndian: Self.versionNeeded) + common
      + Data(littleEndian: UInt16(12)) + Data(count: 10) + Data(littleEndian: Self.seeWide) + Data(name.utf8)
      + Data(littleEndian: UInt16(1)) + Data(littleEndian: UInt16(8)) + Data(littleEndian: UInt64(written))
    try file.write(header)
    try file.write(contents)
    written += header.count + contents.count
    count += 1
  }

  /// Writes the list of the entries. Throws `ArtifactError.inputOutput`.
  func finish() throws {
    let (number, size, start) = (UInt64(count), UInt64(directory.count), UInt64(written))
    let wide =
      Data(littleEndian: UInt32(0x0606_4b50)) + Data(littleEndian: UInt64(44))
      + Data(littleEndian: Self.versionNeeded) + Data(littleEndian: Self.versionNeeded) + Data(count: 8)
      + Data(littleEndian: number) + Data(littleEndian: number) + Data(littleEndian: size) + Data(littleEndian: start)
    let locator =
      Data(littleEndian: UInt32(0x0706_4b50)) + Data(count: 4) + Data(littleEndian: start + size)
      + Data(littleEndian: UInt32(1))
    let narrow =
      Data(littleEndian: UInt32(0x0605_4b50)) + Data(count: 4) + Data(littleEndian: UInt16.max)
      + Data(littleEndian: UInt16.max) + Data(littleEndian: Self.seeWide) + Data(littleEndian: Self.seeWide)
      + Data(count: 2)
    try file.write(directory + wide + locator + narrow)
  }
}

extension Data {
  /// The bytes of an integer, the lowest first.
  init(littleEndian value: some FixedWidthInteger) {
    self = Swift.withUnsafeBytes(of: value.littleEndian) { Data($0) }
  }
}
