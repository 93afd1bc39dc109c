import Foundation

extension RunDirectory {
  /// A file in a run's folder.
  public struct File: Equatable, Sendable {
    /// Its path.
    public let path: String
    public let bytes: Int
    /// When it was last changed, in nanoseconds since 1970.
    public let modified: Int
    /// Whether a killed process left it behind, unfinished.
    public let isLeftover: Bool
  }

  /// All files in the folder and those below it, sorted by path; links are not followed, and what goes away meanwhile is left
  /// out.
  public func files() -> [File] { Self.files(in: path) }

  private static func files(in folder: String) -> [File] {
    let names = (try? FileAccess.names(in: folder)) ?? []
    return names.flatMap { name -> [File] in
      let path = folder + "/" + name
      var status = stat()
      guard path.withPath({ lstat($0, &status) }) == 0 else { return [] }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: return files(in: path)
      case S_IFREG:
        let modified = Int(status.st_mtim.tv_sec) * 1_000_000_000 + Int(status.st_mtim.tv_nsec)
        return [
          File(
            path: path, bytes: Int(status.st_size), modified: modified, isLeftover: TemporaryFile.isLeftover(path))
        ]
      default: return []
      }
    }
  }
}
