import Artifacts
import Distillation
import Evaluation
import TeacherModels
import Training

/// A run by what its folder records: what it was to do, and what of that is done.
package struct RecordedRun {
  let folder: String
  /// What it trains; nil where that cannot be read.
  let kind: RunSummary.Kind?
  /// In order; empty where they cannot be read.
  let stages: [RunStage]
  /// Processor or device, threads and libraries.
  let backend: String?
  /// The files that the finished run has written.
  private let results: [String]

  /// nil where the folder is no run's.
  package init?(_ folder: String) {
    self.folder = folder
    func record<Settings>(in stage: String, of: Settings.Type) -> RunRecord<Settings>? {
      try? RunDirectory(path: folder + "/" + stage).config()
    }
    if let record = record(in: "", of: DistillationRecord.self) {
      (kind, backend) = (.distill, record.backend)
      stages = record.settings.settings.runStages
      results = [DistillationPipeline.generatorName]
    } else if let record = record(in: "perceptual", of: TeacherTrainingConfiguration.self)
      ?? record(in: "transformer", of: TeacherTrainingConfiguration.self)
    {
      (kind, backend, results) = (.teacher, record.backend, ["teacher.h5"])
      stages = record.settings.stages.map {
        RunStage(name: $0.name, folder: $0.name, steps: $0.settings.steps, isNeededAfterwards: true)
      }
    } else if let record = record(in: "features", of: FeatureNetTrainingConfiguration.self) {
      (kind, backend, results) = (.features, record.backend, ["features.h5", "reference-statistics.h5"])
      stages = [
        RunStage(
          name: "features", folder: "features", steps: record.settings.training.steps, isNeededAfterwards: true)
      ]
    } else {
      let isRun = ["", "/perceptual", "/transformer", "/features"].contains {
        FileAccess.exists(folder + $0 + "/config.json") && FileAccess.exists(folder + $0 + "/starts.jsonl")
      }
      guard isRun else { return nil }
      (kind, backend, stages, results) = (nil, nil, [], [])
    }
  }

  /// The folder of a stage.
  func directory(of stage: RunStage) -> RunDirectory {
    RunDirectory(path: stage.folder.isEmpty ? folder : folder + "/" + stage.folder)
  }

  /// The steps that a stage has logged or saved; nil for one that has not begun.
  func progress(of stage: RunStage) -> Int? {
    let run = directory(of: stage)
    let logged = (try? MetricLog.read(run.metricsPath))?.last?["step"].map { Int($0) }
    return [logged, (try? run.latestCheckpoint())?.step].compactMap(\.self).max()
  }

  /// Whether a stage has something to resume from.
  func hasSaved(_ stage: RunStage) -> Bool {
    (try? directory(of: stage).latestCheckpoint()) != nil || FileAccess.exists(collection(of: stage))
  }

  /// The file of sequences that a stage draws, if it is one that does.
  func collection(of stage: RunStage) -> String {
    "\(directory(of: stage).path)/\(stage.folder.pathName).h5"
  }

  /// Whether all is done: a run that is prolonged has its older result until then.
  var isFinished: Bool {
    guard let last = stages.last, results.allSatisfy({ FileAccess.exists(folder + "/" + $0) }) else { return false }
    return (try? directory(of: last).latestCheckpoint())?.step ?? 0 >= last.steps
  }
}
