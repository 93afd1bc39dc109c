import Foundation

/// A run's folder for one process alone: held until it is released or the process ends, however it ends.
public final class RunLock {
  private let descriptor: Int32

  /// Makes the folder if it is not there, and holds it.
  /// - Throws: `ArtifactError.cannotCreate`, or `.inUse` where another process holds it.
  public init(_ path: String) throws {
    try FileAccess.makeFolder(path)
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ArtifactError.notReadable(path: path, detail: AtomicFile.systemMessage()) }
    // Where a file system knows no locks, a run is as alone as its user keeps it.
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
      close(descriptor)
      throw ArtifactError.inUse(path: path)
    }
  }

  deinit { close(descriptor) }
}
