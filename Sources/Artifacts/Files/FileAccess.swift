import Foundation

/// File-system questions with errors that tell a missing file from an unreadable one.
enum FileAccess {
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

  /// Makes a folder and its parents; one that is there already is left alone.
  static func makeFolder(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw ArtifactError.cannotCreate(path: path, detail: AtomicFile.systemMessage())
    }
  }
}
