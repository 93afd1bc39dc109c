import CShims

/// The checksum of zip archives (PKWARE APPNOTE 4.4.7) and PNG.
enum CRC32 {
  /// The checksum of `bytes`, or of what has the checksum `before` and then `bytes`.
  static func checksum(_ bytes: UnsafeRawBufferPointer, after before: UInt32 = 0) -> UInt32 {
    dd2_crc32(before, bytes.baseAddress, bytes.count)
  }
}
