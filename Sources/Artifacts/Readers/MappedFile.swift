import Foundation

/// A file's contents as read-only memory: the system reads a page when it is first looked at and may drop it again,
/// so a file of any size costs no memory of its own.
///
/// A file that is replaced (renamed over) meanwhile stays as it was. One that is written into changes under its reader,
/// and shortening it ends this process (SIGBUS), as with every mapped file: `checkUnchanged` makes both unlikely.
final class MappedFile: Sendable {
  /// Where the file is.
  let path: String
  /// Its length in bytes.
  let count: Int
  /// Nil for an empty file, which cannot be mapped. Never written through, so any thread may read it.
  private nonisolated(unsafe) let base: UnsafeRawPointer?
  private let descriptor: Int32
  private let version: Version

  /// What changes when a file is written into.
  private struct Version: Equatable {
    let size: Int
    let seconds: Int
    let nanoseconds: Int

    init(_ status: stat) {
      size = Int(status.st_size)
      seconds = Int(status.st_mtim.tv_sec)
      nanoseconds = Int(status.st_mtim.tv_nsec)
    }
  }

  /// Throws `ArtifactError.missingFile`, `.notReadable` if it is a folder, a pipe or a device, `.inputOutput`.
  init(_ path: String) throws {
    let descriptor = try FileAccess.openForReading(path)
    do {
      let status = try Self.status(descriptor, path: path)
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw ArtifactError.notReadable(path: path, detail: "it is not an ordinary file")
      }
      base = try Self.map(descriptor, count: Int(status.st_size), path: path)
      version = Version(status)
    } catch {
      close(descriptor)
      throw error
    }
    self.path = path
    self.descriptor = descriptor
    count = version.size
  }

  deinit {
    if let base { munmap(UnsafeMutableRawPointer(mutating: base), count) }
    close(descriptor)
  }

  /// Throws `ArtifactError.inputOutput` if someone wrote into the file since it was opened.
  func checkUnchanged() throws {
    guard Version(try Self.status(descriptor, path: path)) == version else {
      throw ArtifactError.inputOutput(path: path, detail: "the file was changed while it was read")
    }
  }

  private static func status(_ descriptor: Int32, path: String) throws -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw ArtifactError.inputOutput(path: path, detail: FileAccess.systemMessage())
    }
    return status
  }

  private static func map(_ descriptor: Int32, count: Int, path: String) throws -> UnsafeRawPointer? {
    guard count > 0 else { return nil }
    guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw ArtifactError.inputOutput(path: path, detail: FileAccess.systemMessage())
    }
    return UnsafeRawPointer(address)
  }

  /// The contents, valid inside `body` only.
  func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(self) { try body(UnsafeRawBufferPointer(start: base, count: count)) }
  }

  /// Tells the system that the whole pages inside a range of the file are not needed for now; they come back from
  /// the file when they are looked at again.
  func releasePages(_ range: Range<Int>) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let first = (range.lowerBound + page - 1) / page * page
    let last = range.upperBound / page * page
    guard let base, first < last else { return }
    madvise(UnsafeMutableRawPointer(mutating: base + first), last - first, MADV_DONTNEED)
  }
}

/// A stretch of a mapped file. Every access is checked against its bounds: what lies outside is nil, never a crash.
struct MappedBytes: Sendable {
  private let file: MappedFile
  /// Where the stretch begins in the file.
  let start: Int
  /// Its length in bytes.
  let count: Int

  /// All of a file.
  init(_ file: MappedFile) {
    self.init(file: file, start: 0, count: file.count)
  }

  private init(file: MappedFile, start: Int, count: Int) {
    self.file = file
    self.start = start
    self.count = count
  }

  /// The file, for error messages.
  var path: String { file.path }

  /// `count` bytes from `position` on, nil unless all of them lie inside.
  func slice(at position: Int, count length: Int) -> MappedBytes? {
    guard position >= 0, length >= 0, position <= count, length <= count - position else { return nil }
    return MappedBytes(file: file, start: start + position, count: length)
  }

  /// The little-endian integer at `position`, nil if it reaches outside or does not fit an `Int`.
  func int<Stored: FixedWidthInteger & BitwiseCopyable>(_ type: Stored.Type, at position: Int) -> Int? {
    guard position >= 0, position <= count - MemoryLayout<Stored>.size else { return nil }
    return withUnsafeBytes { bytes in
      Int(exactly: Stored(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Stored.self)))
    }
  }

  /// The bytes as text, nil if they are not UTF-8.
  var text: String? {
    withUnsafeBytes { String(validating: $0, as: UTF8.self) }
  }

  /// The bytes, valid inside `body` only.
  func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try file.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[start..<start + count])) }
  }

  /// Throws `ArtifactError.inputOutput` if someone wrote into the file since it was opened.
  func checkUnchanged() throws {
    try file.checkUnchanged()
  }

  /// Lets the system drop the pages of the stretch.
  func releasePages() {
    file.releasePages(start..<start + count)
  }
}
