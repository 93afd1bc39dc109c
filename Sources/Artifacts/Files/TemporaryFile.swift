import Foundation
import Synchronization

/// A file that does not have its name yet: written beside its place, then renamed over whatever is there. Until then nothing of that
/// name changes.
///
/// The file is locked while its process lives: what has no lock, killed processes left behind, and it is removed
/// when something is next written in the folder.
final class TemporaryFile {
  /// Where the bytes go meanwhile.
  let path: String
  /// Where the file will be: what a link leads to, or the name itself.
  let destination: String
  private var descriptor: Int32?

  /// Makes the file, empty.
  ///
  /// Throws `ArtifactError.cannotCreate` where the folder takes none, or where something else than an ordinary file has
  /// the name.
  init(for name: String) throws {
    destination = try Self.destination(of: name)
    let folder = destination.pathFolder
    Self.sweepOnce(folder)
    while true {
      // Not made of the name, which may be as long as names can be.
      let unique = "\(getpid())-" + String(UInt64.random(in: 0...UInt64.max), radix: 16)
      let path = (folder == "." ? "" : folder + "/") + Self.prefix + unique + Self.suffix
      let descriptor = path.withPath { open($0, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
      guard descriptor >= 0 else {
        throw FileAccess.creationError(name)
      }
      // Where a file system knows no locks, nothing is swept either.
      _ = flock(descriptor, LOCK_EX)
      var status = stat()
      if fstat(descriptor, &status) == 0, status.st_nlink > 0 {
        (self.path, self.descriptor) = (path, descriptor)
        return
      }
      // Swept by another process before it was locked.
      close(descriptor)
    }
  }

  deinit { discard() }

  /// Appends bytes. Throws `ArtifactError.inputOutput` where the disk is full.
  func write(_ data: Data) throws { try AtomicFile.writeAll(data, to: openDescriptor, path: destination) }

  /// Gives the file its name.
  ///
  /// Throws `ArtifactError.inputOutput` or `.cannotCreate`; what had the name before is then still there.
  /// - Parameter isDurable: whether it is on the disk before it replaces another, and its name with it.
  func commit(isDurable: Bool = true) throws {
    if isDurable, fsync(openDescriptor) != 0 {
      throw ArtifactError.inputOutput(path: destination, detail: FileAccess.systemMessage())
    }
    try FileAccess.rename(path, to: destination)
    close(openDescriptor)
    descriptor = nil
    if isDurable { AtomicFile.flushFolder(of: destination) }
  }

  /// Removes the file. Does nothing after `commit`.
  func discard() {
    guard let descriptor else { return }
    _ = path.withPath { unlink($0) }
    close(descriptor)
    self.descriptor = nil
  }

  private var openDescriptor: Int32 {
    guard let descriptor else { preconditionFailure("TemporaryFile: \(destination) is finished or discarded") }
    return descriptor
  }

  /// Where a file of a name goes: through links, also one that leads to nothing yet.
  ///
  /// Throws `ArtifactError.cannotCreate` where a folder, a device, a pipe or a socket is there.
  static func destination(of name: String) throws -> String {
    switch FileAccess.kind(name) {
    case .file, nil: break
    case .folder: throw ArtifactError.cannotCreate(path: name, detail: "it is a folder")
    case .pipe, .special: throw ArtifactError.cannotCreate(path: name, detail: "it is a device, a pipe or a socket")
    }
    var path = name
    for _ in 0..<Self.mostLinks {
      var status = stat()
      guard path.withPath({ lstat($0, &status) }) == 0 else {
        guard errno == ENOENT else { throw FileAccess.creationError(name) }
        return path
      }
      guard status.st_mode & S_IFMT == S_IFLNK else { return path }
      path = try target(ofLink: path, for: name)
    }
    throw ArtifactError.cannotCreate(path: name, detail: "links lead in a circle")
  }

  private static let mostLinks = 40

  private static func target(ofLink path: String, for name: String) throws -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = path.withPath { readlink($0, &buffer, buffer.count) }
    guard length > 0 else { throw ArtifactError.cannotCreate(path: name, detail: FileAccess.systemMessage()) }
    let target = String(pathBytes: buffer.prefix(length).map(UInt8.init(bitPattern:)))
    return target.hasPrefix("/") ? target : path.pathFolder + "/" + target
  }

  private static let (prefix, suffix) = (".dd2-", ".tmp")

  /// Whether a file's name is that of an unfinished one.
  static func isName(_ name: String) -> Bool { name.hasPrefix(prefix) && name.hasSuffix(suffix) }

  /// Whether a file is one that a killed process has left behind.
  static func isLeftover(_ path: String) -> Bool {
    isName(path.pathName) && WriterLock.isLocked(path) == false
  }

  private static let swept = Mutex<Set<String>>([])

  /// Removes what killed processes left in a folder, the first time that this one writes there.
  private static func sweepOnce(_ folder: String) {
    guard swept.withLock({ $0.insert(folder).inserted }) else { return }
    for name in (try? FileAccess.names(in: folder)) ?? [] where isName(name) {
      let path = folder + "/" + name
      let descriptor = path.withPath { open($0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) }
      guard descriptor >= 0 else { continue }
      defer { close(descriptor) }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { _ = path.withPath { unlink($0) } }
    }
  }
}
