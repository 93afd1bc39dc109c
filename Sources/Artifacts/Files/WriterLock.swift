import Foundation

/// A folder, such as a run's, or a growing file for one writing process alone: locked until it is released or the process
/// ends, however it ends.
public final class WriterLock: Sendable {
  private let descriptor: Int32

  /// Makes the folder if it is not there, and locks it.
  /// - Throws: `ArtifactError.cannotCreate`, or `.inUse` where another process has locked it.
  public convenience init(folder path: String) throws {
    try FileAccess.makeFolder(path)
    try self.init(path, O_RDONLY | O_DIRECTORY)
  }

  /// Makes the file if it is not there, and locks it.
  /// - Throws: as `init(folder:)`.
  convenience init(file path: String) throws {
    try AtomicFile.requirePlace(for: path)
    try self.init(path, O_RDWR | O_CREAT)
  }

  private init(_ path: String, _ flags: Int32) throws {
    descriptor = path.withPath { open($0, flags | O_CLOEXEC, 0o666) }
    guard descriptor >= 0 else { throw ArtifactError.notReadable(path: path, detail: FileAccess.systemMessage()) }
    // Where a file system knows no locks, a folder is as alone as its user keeps it.
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
      close(descriptor)
      throw ArtifactError.inUse(path: path)
    }
  }

  /// Whether a process holds the lock of a folder. To find out, the lock is asked for: a process that wants it in the same
  /// instant may be refused.
  public static func isHeld(folder path: String) -> Bool { isLocked(path) ?? false }

  /// Whether a process holds the lock of a file or folder; nil where it cannot be opened.
  static func isLocked(_ path: String) -> Bool? {
    let descriptor = path.withPath { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
  }

  deinit { close(descriptor) }

  /// Empties the locked file.
  func truncate() { _ = ftruncate(descriptor, 0) }
}
