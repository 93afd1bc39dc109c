import Artifacts
import Training

/// The stage 1 of a run, done, for other runs to take in place of training their own.
public struct FinishedStage1: Sendable {
  /// The checkpoint after its last update.
  public let file: RecordedFile
  /// What it was trained with.
  public let record: DistillationRecord

  /// The folder of stage 1 in a run's folder.
  static let name = "stage1"

  /// Finds the stage 1 of the run in `folder`; nil where it is not done.
  /// - Throws: `ArtifactError` where there is no such run.
  public init?(ofRun folder: String) throws {
    let run = try RunDirectory.open(folder + "/" + Self.name)
    record = try run.recordedSettings()
    guard let last = try run.latestCheckpoint(), last.step >= record.settings.stage1Steps else { return nil }
    file = try RecordedFile(at: last.path)
  }

  /// What it was trained for that a run of `settings` is not: it would be another network, or have learned another
  /// distribution. How long and on what images it was trained is no matter.
  public func differences(from settings: DistillationConfiguration, teacherHash: String) -> [String] {
    let trained = record.settings
    return [
      ("teacher", record.teacherHash != teacherHash), ("guidance", trained.guidance != settings.guidance),
      ("head", trained.head != settings.head),
    ].filter(\.1).map(\.0)
  }

  /// `settings` with this stage 1 and what it was trained with.
  public func taken(by settings: DistillationConfiguration) -> DistillationConfiguration {
    var settings = settings
    settings.stage1File = file
    settings.stage1Steps = record.settings.stage1Steps
    settings.stage1LearningRate = record.settings.stage1LearningRate
    settings.trainingImages = record.settings.trainingImages
    return settings
  }
}
