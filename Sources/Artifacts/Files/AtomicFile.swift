import Foundation

/// Files that are either the old or the new one at every moment, also when the process is killed or the
/// machine loses power: written under a temporary name in the same folder, flushed to the disk, renamed.
public enum AtomicFile {
  /// Replaces the file at `path`, or what a link there leads to, by `data`.
  ///
  /// Throws `ArtifactError.cannotCreate` if the folder does not take a file or something else than a file is there,
  /// `.inputOutput` if writing fails; either way what was at `path` before is still there.
  /// - Parameter isDurable: whether it is on the disk on return. Without, a loss of power may lose it; a killed process
  ///   leaves the old or the new file all the same.
  public static func write(_ data: Data, to path: String, isDurable: Bool = true) throws {
    let file = try TemporaryFile(for: path)
    try file.write(data)
    try file.commit(isDurable: isDurable)
  }

  /// Throws `ArtifactError.cannotCreate` where `write` to `path` would fail at once: no such folder, none that takes
  /// files, or something else than an ordinary file of that name.
  public static func requirePlace(for path: String) throws {
    let folder = try TemporaryFile.destination(of: path).pathFolder
    guard folder.withPath({ access($0, W_OK | X_OK) }) == 0 else {
      throw ArtifactError.cannotCreate(path: path, detail: "\(folder): \(FileAccess.systemMessage())")
    }
  }

  /// Gives a finished file a name and flushes both to the disk.
  ///
  /// Throws `ArtifactError.inputOutput` or `.cannotCreate`.
  static func commit(_ finished: String, to path: String) throws {
    let descriptor = try FileAccess.openForReading(finished)
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else {
      throw ArtifactError.inputOutput(path: path, detail: FileAccess.systemMessage())
    }
    let destination = try TemporaryFile.destination(of: path)
    try FileAccess.rename(finished, to: destination)
    flushFolder(of: destination)
  }

  /// Brings a new name to the disk. Where the folder cannot be opened or flushed, as in some network file systems, the
  /// name is as safe as it gets.
  static func flushFolder(of path: String) {
    let folder = path.pathFolder.withPath { open($0, O_RDONLY | O_CLOEXEC) }
    guard folder >= 0 else { return }
    _ = fsync(folder)
    close(folder)
  }

  /// Writes every byte, in as many system calls as it takes. Throws `ArtifactError.inputOutput`.
  static func writeAll(_ data: Data, to descriptor: Int32, path: String) throws {
    try data.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let count = Foundation.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw ArtifactError.inputOutput(path: path, detail: FileAccess.systemMessage()) }
        done += count
      }
    }
  }
}
