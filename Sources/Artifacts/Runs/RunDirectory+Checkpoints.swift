import Foundation

extension RunDirectory {
  /// Where the checkpoint of a step lies; steps are padded with zeros so that names sort as steps do.
  public func checkpointPath(step: Int) -> String { "\(checkpointsPath)/\(Self.name(step)).h5" }

  /// Where the sample grid of a step lies.
  public func snapshotPath(step: Int) -> String { "\(snapshotsPath)/\(Self.name(step)).png" }

  /// The steps that have a checkpoint, ascending. Throws `ArtifactError.notReadable`.
  public func checkpointSteps() throws -> [Int] {
    guard FileManager.default.fileExists(atPath: checkpointsPath) else { return [] }
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: checkpointsPath) else {
      throw ArtifactError.notReadable(path: checkpointsPath, detail: AtomicFile.systemMessage())
    }
    return names.compactMap { name in
      guard let step = Int(name.dropFirst("step-".count).dropLast(".h5".count)) else { return nil }
      return name == Self.name(step) + ".h5" ? step : nil
    }.sorted()
  }

  /// The checkpoint of the last step, nil if there is none. Throws as `checkpointSteps`.
  public func latestCheckpoint() throws -> (step: Int, path: String)? {
    try checkpointSteps().last.map { ($0, checkpointPath(step: $0)) }
  }

  /// Removes all checkpoints but the last `keep`, and what killed processes left of unfinished ones. Throws as
  /// `checkpointSteps`, and `ArtifactError.inputOutput` if one cannot be removed.
  public func pruneCheckpoints(keep: Int) throws {
    precondition(keep > 0, "RunDirectory.pruneCheckpoints: keeping \(keep) would leave no checkpoint")
    for step in try checkpointSteps().dropLast(keep) {
      let path = checkpointPath(step: step)
      guard unlink(path) == 0 else {
        throw ArtifactError.inputOutput(path: path, detail: AtomicFile.systemMessage())
      }
    }
    // A run has one writer, whose own files are finished by now.
    for name in (try? FileManager.default.contentsOfDirectory(atPath: checkpointsPath)) ?? []
    where name.hasPrefix(".step-") && name.hasSuffix(".tmp") {
      unlink(checkpointsPath + "/" + name)
    }
  }

  private static func name(_ step: Int) -> String { "step-" + String(format: "%08d", step) }
}
