import Synchronization

/// The elements of one or more tensors as they lie in a file, with the checksum that the file states for them, if it
/// does: computed once, when the bytes are first asked for.
final class StoredBytes: Sendable {
  /// Length in bytes.
  var count: Int { bytes.count }
  /// The file, for messages.
  var path: String { bytes.path }
  private let bytes: MappedBytes
  private let checksum: UInt32?
  private let name: String
  private let isVerified = Mutex(false)

  init(_ bytes: MappedBytes, checksum: UInt32? = nil, name: String) {
    self.bytes = bytes
    self.checksum = checksum
    self.name = name
  }

  /// The bytes; throws `ArtifactError.corrupt` if they do not have their checksum, `.inputOutput` if the file was
  /// written into since it was opened.
  func verified() throws -> MappedBytes {
    try bytes.checkUnchanged()
    guard let checksum else { return bytes }
    try isVerified.withLock { isVerified in
      guard !isVerified else { return }
      guard bytes.withUnsafeBytes({ CRC32.checksum($0) }) == checksum else {
        throw ArtifactError.corrupt(path: bytes.path, detail: "the checksum of \(name.inMessage) is wrong")
      }
      isVerified = true
    }
    return bytes
  }
}
