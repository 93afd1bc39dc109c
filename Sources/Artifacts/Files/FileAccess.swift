import Foundation

/// File-system questions with errors that tell a missing file from an unreadable one.
public enum FileAccess {
  /// Throws `ArtifactError.missingFile` or `.notReadable` unless `path` is a file that can be opened.
  static func check(_ path: String) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw ArtifactError.missingFile(path: path)
    }
    guard !isFolder.boolValue else {
      throw ArtifactError.notReadable(path: path, detail: "it is a folder")
    }
    guard access(path, R_OK) == 0 else {
      throw ArtifactError.notReadable(path: path, detail: AtomicFile.systemMessage())
    }
  }

  /// The whole contents of a file; throws as `check`, and `ArtifactError.inputOutput` if reading fails.
  static func contents(of path: String) throws -> Data {
    try check(path)
    do {
      return try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw ArtifactError.inputOutput(path: path, detail: AtomicFile.systemMessage())
    }
  }

  /// Names of what a folder holds, sorted.
  /// - Throws: `ArtifactError.missingFile`, or `.notReadable` where it is no folder or cannot be listed.
  public static func names(in path: String) throws -> [String] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw ArtifactError.missingFile(path: path)
    }
    guard isFolder.boolValue else { throw ArtifactError.notReadable(path: path, detail: "it is no folder") }
    guard access(path, R_OK | X_OK) == 0 else {
      throw ArtifactError.notReadable(path: path, detail: AtomicFile.systemMessage())
    }
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    } catch {
      throw ArtifactError.notReadable(path: path, detail: AtomicFile.systemMessage())
    }
  }

  /// Whether two paths lead to one file that is there.
  public static func areSame(_ a: String, _ b: String) -> Bool {
    var (left, right) = (stat(), stat())
    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev && left.st_ino == right.st_ino
  }

  /// Makes a folder and its parents; one that is there already is left alone.
  static func makeFolder(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw ArtifactError.cannotCreate(path: path, detail: AtomicFile.systemMessage())
    }
  }
}
