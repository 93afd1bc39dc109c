import CShims

/// The contents of a file, or of an entry of a zip archive, from front to back: what was read is let go, so that
/// contents of any size take no memory of their own. Of the checksum that an archive states, `finish` says whether it is
/// right.
final class ByteReader {
  /// Length of the contents in bytes.
  let count: Int
  /// How many of them were read.
  private(set) var position = 0
  private let source: MappedBytes
  /// How much of `source` was taken.
  private var taken = 0
  /// How much of `source` the system was asked to drop from memory.
  private var released = 0
  private let inflater: OpaquePointer?
  private let checksum: UInt32?
  private var found: UInt32 = 0
  private let name: String

  private static let releaseInterval = 8 << 20

  /// Bytes as they are.
  init(_ source: MappedBytes, checksum: UInt32? = nil, name: String) {
    (self.source, self.checksum, self.name) = (source, checksum, name)
    count = source.count
    inflater = nil
  }

  /// Deflated bytes that give `size` bytes. Throws `ArtifactError.tooLarge` where there is no memory for a decoder.
  init(deflated source: MappedBytes, size: Int, checksum: UInt32?, name: String) throws {
    guard let stream = dd2_inflate_open() else {
      throw ArtifactError.tooLarge(path: source.path, detail: "there is no memory left to inflate it")
    }
    (self.source, self.checksum, self.name) = (source, checksum, name)
    count = size
    inflater = stream
  }

  deinit { if let inflater { dd2_inflate_close(inflater) } }

  /// The next `length` bytes.
  ///
  /// Throws `ArtifactError.corrupt` if there are not as many or the compressed data is damaged, `.inputOutput` if the
  /// file was changed meanwhile. The caller has checked that `length` is sane.
  func read(_ length: Int) throws -> [UInt8] {
    precondition(length >= 0, "ByteReader: \(length) bytes")
    guard length <= count - position else {
      throw corrupt("\(name.inMessage) ends after \(count) bytes, too early")
    }
    try source.checkUnchanged()
    let bytes = try [UInt8](unsafeUninitializedCapacity: length) { buffer, filled in
      if let inflater {
        try inflate(inflater, into: buffer)
      } else if length > 0 {
        source.withUnsafeBytes { bytes in
          UnsafeMutableRawBufferPointer(buffer)
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[taken..<taken + length]))
        }
        taken += length
      }
      filled = length
    }
    position += length
    found = bytes.withUnsafeBytes { CRC32.checksum($0, after: found) }
    release()
    return bytes
  }

  /// Throws `ArtifactError.corrupt` unless all bytes were read, nothing follows them, and they have their checksum.
  func finish() throws {
    if let inflater, position == count {
      var (used, given) = (0, 0)
      // The end of the stream may stand in bytes that no output needed.
      var extra: UInt8 = 0
      let status = source.withUnsafeBytes { bytes in
        dd2_inflate_run(
          inflater, bytes.bindMemory(to: UInt8.self).baseAddress.map { $0 + taken }, source.count - taken, &used,
          &extra, 1, &given)
      }
      let isAtEnd = Int(status) == DD2_INFLATE_END || ended
      guard isAtEnd, given == 0, taken + used == source.count else {
        throw corrupt("the deflated \(name.inMessage) has another length than stated")
      }
    }
    guard position == count else { throw corrupt("\(name.inMessage) holds \(count - position) bytes too many") }
    guard checksum == nil || checksum == found else { throw corrupt("the checksum of \(name.inMessage) is wrong") }
  }

  /// Whether the deflate data has said that it is complete.
  private var ended = false

  private func inflate(_ inflater: OpaquePointer, into buffer: UnsafeMutableBufferPointer<UInt8>) throws {
    var filled = 0
    while filled < buffer.count {
      var (used, given) = (0, 0)
      let status = source.withUnsafeBytes { bytes in
        dd2_inflate_run(
          inflater, bytes.bindMemory(to: UInt8.self).baseAddress.map { $0 + taken }, source.count - taken, &used,
          buffer.baseAddress.map { $0 + filled }, buffer.count - filled, &given)
      }
      taken += used
      filled += given
      ended = Int(status) == DD2_INFLATE_END
      let goesOn = Int(status) == DD2_INFLATE_MORE && (used > 0 || given > 0)
      guard goesOn || filled == buffer.count, Int(status) != DD2_INFLATE_CORRUPT else {
        throw corrupt("the deflated \(name.inMessage) is damaged or ends too early")
      }
    }
  }

  /// Lets the system drop the pages that were read.
  private func release() {
    guard taken - released >= Self.releaseInterval else { return }
    source.slice(at: released, count: taken - released)?.releasePages()
    released = taken
  }

  private func corrupt(_ detail: String) -> ArtifactError { .corrupt(path: source.path, detail: detail) }
}
