import Foundation

extension RunDirectory {
  /// Where the checkpoint of a step lies; steps are padded with zeros so that names sort as steps do.
  public func checkpointPath(step: Int) -> String { "\(checkpointsPath)/\(Self.name(step)).h5" }

  /// Where the sample grid of a step lies.
  public func snapshotPath(step: Int) -> String { "\(snapshotsPath)/\(Self.name(step)).png" }

  /// The steps that have a checkpoint, ascending. Throws `ArtifactError.notReadable`.
  public func checkpointSteps() throws -> [Int] {
    try Self.steps(in: checkpointsPath, extension: ".h5")
  }

  /// The steps that have a sample grid, ascending. Throws `ArtifactError.notReadable`.
  public func snapshotSteps() throws -> [Int] { try Self.steps(in: snapshotsPath, extension: ".png") }

  private static func steps(in folder: String, extension suffix: String) throws -> [Int] {
    guard try FileAccess.status(folder) != nil else { return [] }
    return try FileAccess.names(in: folder).compactMap { file in
      guard let step = Int(file.dropFirst("step-".count).dropLast(suffix.count)) else { return nil }
      return file == name(step) + suffix ? step : nil
    }.sorted()
  }

  /// The checkpoint of the last step, nil if there is none. Throws as `checkpointSteps`.
  public func latestCheckpoint() throws -> (step: Int, path: String)? {
    try checkpointSteps().last.map { ($0, checkpointPath(step: $0)) }
  }

  /// Removes all checkpoints but the last `keep`. Throws as `checkpointSteps`, and `ArtifactError.inputOutput` if one
  /// cannot be removed.
  public func pruneCheckpoints(keep: Int) throws {
    precondition(keep > 0, "RunDirectory.pruneCheckpoints: keeping \(keep) would leave no checkpoint")
    for step in try checkpointSteps().dropLast(keep) {
      try FileAccess.remove(checkpointPath(step: step))
    }
  }

  private static func name(_ step: Int) -> String { "step-" + String(format: "%08d", step) }
}
