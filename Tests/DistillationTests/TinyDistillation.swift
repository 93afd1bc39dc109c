import Artifacts
import Datasets
import FIDEval
import Foundation
import TeacherModels
import TestModels
import Training

@testable import Distillation

/// Settings of a run of seconds.
func tinySettings(steps: Int) -> DistillationConfiguration {
  var configuration = DistillationConfiguration(steps: steps)
  configuration.batch = 4
  configuration.trainingImages = 24
  configuration.stage1Steps = 3
  configuration.warmStartSteps = 0
  configuration.parts = 3
  configuration.emaRamp = 3
  configuration.head.width = 16
  configuration.head.depth = 1
  configuration.firstRounds = 1
  configuration.firstScoreUpdates = 2
  configuration.scoreUpdates = 1
  configuration.evaluationInterval = 0
  configuration.snapshotInterval = 100
  configuration.checkpointInterval = 2
  return configuration
}

/// A run on the first images of shapes32; returns the generator's path.
@discardableResult
func distill(
  _ configuration: DistillationConfiguration, _ teacher: TeacherFile.Loaded, _ folder: String,
  from source: Stage1Source = .images(FewImages()), scorer: FIDScorer? = nil, command: String = "test",
  interrupt: InterruptFlag = InterruptFlag(),
  observer: @escaping RunObserver = { _ in }
) throws -> String {
  try DistillationPipeline(
    DistillationRecord(configuration, teacher: teacher.file), teacher: teacher, scorer: scorer, folder: folder,
    command: command, interrupt: interrupt,
    observer: observer
  ).run(source)
}

/// The lines of a run's log.
func metrics(_ folder: String) throws -> [[String: Double]] {
  try MetricLog.read(folder + "/metrics.jsonl")
}

/// A file's contents.
func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
