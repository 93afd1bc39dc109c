import Artifacts

/// A file of another run, or of a reference, that a run makes use of.
public struct RecordedFile: Codable, Equatable, Sendable {
  /// Where it was, as it was given.
  public let path: String
  /// SHA-256 of the file.
  public let hash: String

  package init(path: String, hash: String) { (self.path, self.hash) = (path, hash) }
}

extension RecordedFile {
  /// The file at `path` as it is now.
  /// - Parameter name: what it was given as, where that is not its path.
  /// - Throws: `ArtifactError` where it cannot be read.
  public init(at path: String, named name: String? = nil) throws {
    self.init(path: name ?? path, hash: try WeightsManifest.sha256(ofFile: path))
  }

  /// - Parameter place: where it lies now, where that is not its path.
  /// - Throws: `ArtifactError` unless it is as it was when it was recorded.
  public func requireUnchanged(at place: String? = nil) throws {
    let place = place ?? path
    guard try WeightsManifest.sha256(ofFile: place) == hash else {
      throw ArtifactError.wrongFormat(
        path: place, detail: "it has changed since the run began with it (hash \(hash.prefix(12)))")
    }
  }
}
