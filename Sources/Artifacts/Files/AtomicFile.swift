import Foundation

/// Files that are either the old or the new one at every moment, also when the process is killed or the
/// machine loses power: written under a temporary name in the same folder, flushed to the disk, renamed.
public enum AtomicFile {
  /// Replaces the file at `path` by `data`.
  ///
  /// Throws `ArtifactError.cannotCreate` if the folder does not take a file, `.inputOutput` if writing fails;
  /// either way what was at `path` before is still there.
  public static func write(_ data: Data, to path: String) throws {
    let temporary = temporaryPath(for: path)
    do {
      try writeNew(data, to: temporary, for: path)
      try rename(temporary, to: path)
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Puts a copy of the file at `source` to `path`; nothing of it is held in memory.
  ///
  /// Throws `ArtifactError.inputOutput`; what was at `path` before is still there then.
  public static func copy(_ source: String, to path: String) throws {
    let temporary = temporaryPath(for: path)
    do {
      try FileManager.default.copyItem(atPath: source, toPath: temporary)
      try commit(temporary, to: path)
    } catch {
      unlink(temporary)
      guard let known = error as? ArtifactError else {
        throw ArtifactError.inputOutput(path: path, detail: "\(source) cannot be copied, \(error.localizedDescription)")
      }
      throw known
    }
  }

  /// A name in the folder of `path` that no other process or call picks.
  static func temporaryPath(for path: String) -> String {
    let url = URL(fileURLWithPath: path)
    let unique = "\(getpid())-" + String(UInt64.random(in: 0...UInt64.max), radix: 16)
    return url.deletingLastPathComponent()
      .appendingPathComponent(".\(url.lastPathComponent).\(unique).tmp").path
  }

  /// Flushes the finished file `temporary` to the disk and gives it the name `path`.
  static func commit(_ temporary: String, to path: String) throws {
    let descriptor = open(temporary, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ArtifactError.inputOutput(path: path, detail: systemMessage()) }
    defer { close(descriptor) }
    try flush(descriptor, path: path)
    try rename(temporary, to: path)
  }

  private static func rename(_ temporary: String, to path: String) throws {
    guard Foundation.rename(temporary, path) == 0 else {
      throw ArtifactError.cannotCreate(path: path, detail: systemMessage())
    }
    // The new file is in its place: where the folder cannot be opened or flushed, as in some network file systems, the
    // name is as safe as it gets.
    let folder = open(URL(fileURLWithPath: path).deletingLastPathComponent().path, O_RDONLY | O_CLOEXEC)
    guard folder >= 0 else { return }
    _ = fsync(folder)
    close(folder)
  }

  /// The text of the last failed system call.
  static func systemMessage() -> String { String(cString: strerror(errno)) }

  /// Writes and flushes a new file; errors name `path`, which it is for.
  private static func writeNew(_ data: Data, to temporary: String, for path: String) throws {
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw ArtifactError.cannotCreate(path: path, detail: systemMessage())
    }
    do {
      try writeAll(data, to: descriptor, path: path)
      try flush(descriptor, path: path)
    } catch {
      close(descriptor)
      throw error
    }
    // Some file systems say only now that the disk is full.
    guard close(descriptor) == 0 else { throw ArtifactError.inputOutput(path: path, detail: systemMessage()) }
  }

  /// Writes every byte, in as many system calls as it takes.
  static func writeAll(_ data: Data, to descriptor: Int32, path: String) throws {
    try data.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let count = Foundation.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw ArtifactError.inputOutput(path: path, detail: systemMessage()) }
        done += count
      }
    }
  }

  /// Waits until a file's contents are on the disk.
  private static func flush(_ descriptor: Int32, path: String) throws {
    guard fsync(descriptor) == 0 else { throw ArtifactError.inputOutput(path: path, detail: systemMessage()) }
  }
}
