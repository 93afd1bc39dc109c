import Artifacts
import Training

/// What a run's folder holds that nothing will read again.
///
/// Of a finished run that is what its stages have saved, but for what a resumption with more steps goes on from: the last
/// checkpoint, with the optimisers' state, and pairs that the last stage learns. Results, settings, logs and pictures stay.
package struct RunCleaning {
  let folder: String
  /// The files to remove, with their sizes.
  package let files: [(path: String, bytes: Int)]

  package var bytes: Int { files.reduce(0) { $0 + $1.bytes } }

  /// Looks at a run that nobody works in.
  /// - Throws: `ArtifactError` where a folder cannot be read.
  package init(of run: RecordedRun) throws {
    folder = run.folder
    var unneeded: Set<String> = []
    if run.isFinished {
      for stage in run.stages { unneeded.formUnion(try Self.spent(stage, of: run)) }
    }
    files = RunDirectory(path: run.folder).files().filter {
      $0.isLeftover || $0.path.hasSuffix(".damaged") || unneeded.contains($0.path)
    }.map { ($0.path, $0.bytes) }
  }

  /// Files of a stage that a finished run does not need.
  private static func spent(_ stage: RunStage, of run: RecordedRun) throws -> [String] {
    let directory = run.directory(of: stage)
    let checkpoints = try directory.checkpointSteps().map(directory.checkpointPath)
    guard stage.isNeededAfterwards else {
      return checkpoints + (stage.folder.isEmpty ? [] : [run.collection(of: stage)])
    }
    // The ones before serve where the last one is damaged.
    guard let last = checkpoints.last, (try? Checkpoint.load(from: last, groups: [])) != nil else { return [] }
    return Array(checkpoints.dropLast())
  }

  /// Removes them.
  /// - Throws: `ArtifactError.inputOutput`.
  package func run() throws {
    for file in files { try FileAccess.remove(file.path) }
  }
}
