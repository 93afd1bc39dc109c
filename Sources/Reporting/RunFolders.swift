import Artifacts

/// The logs in a run's folder.
public enum RunFolders {
  /// A stage's name and its folder.
  public typealias Stage = (name: String, run: RunDirectory)

  /// The run itself and the stages below it that have a log, in the order in which they were last written.
  /// - Throws: `ArtifactError` where the folder cannot be read.
  public static func stages(in folder: String) throws -> [Stage] {
    func below(_ path: String) throws -> [String] { try FileAccess.names(in: path).map { "\(path)/\($0)" } }
    let stages = try below(folder).filter { FileAccess.exists($0 + "/config.json") }
    let logs = try ([folder] + stages + stages.flatMap(below)).compactMap { path -> (date: Int, stage: Stage)? in
      guard let run = try? RunDirectory.open(path), let date = FileAccess.modificationTime(run.metricsPath) else {
        return nil
      }
      return (date, (path == folder ? path.pathName : String(path.dropFirst(folder.count + 1)), run))
    }
    return logs.sorted { $0.date < $1.date }.map(\.stage)
  }
}
