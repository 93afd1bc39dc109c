import Artifacts
import Foundation
import Processes

/// Training time of a run over all its stages and sessions; evaluation and saving are not in it.
package final class TrainingTime {
  package var seconds = 0.0
  /// Processor seconds of all threads: what it would have taken alone on the machine with one thread.
  package var processorSeconds = 0.0

  package init() {}

  /// Goes on from a stage's last record; stays as it is where that has none.
  /// - Throws: `ArtifactError`.
  package func resume(_ run: RunDirectory) throws {
    guard ProcessGroup.current.isFirst, FileAccess.exists(run.metricsPath),
      let last = try MetricLog.read(run.metricsPath).last
    else { return }
    seconds = last[StageLog.secondsName] ?? seconds
    processorSeconds = last[StageLog.processorSecondsName] ?? processorSeconds
  }
}

/// The log of a stage: its metrics as lines of JSON and for TensorBoard, each record with the training time so far. Of the
/// processes of a job the first one writes.
package final class StageLog {
  /// The field of the training time in `metrics.jsonl`.
  static let secondsName = "seconds"
  /// The field of the processor time of training.
  static let processorSecondsName = "cpu_seconds"

  private let stage: String
  private let lines: MetricLog?
  private let board: TensorBoardWriter?
  private let time: TrainingTime

  /// Opens a run's log to go on after `completed` steps.
  /// - Parameter time: what the stages before took; what this one takes is added.
  /// - Throws: `ArtifactError`.
  package init(_ run: RunDirectory, stage: String, resumingAfter completed: Int, time: TrainingTime) throws {
    self.stage = stage
    self.time = time
    let writes = ProcessGroup.current.isFirst
    lines = writes ? try run.metricLog(resumingAfter: completed) : nil
    board = writes ? try run.tensorBoardWriter(resumingAfter: completed) : nil
    try time.resume(run)
    // The stages below a run have its settings: one of them is enough.
    if RunDirectory.around(run.path) == nil { try board?.append(settings: run.settingTexts()) }
  }

  /// Runs `body` and counts its time as training time.
  package func timed<Result>(_ body: () throws -> Result) rethrows -> Result {
    let begin = ContinuousClock.now
    let beginProcessor = Self.processorTime()
    defer {
      time.seconds += (ContinuousClock.now - begin) / .seconds(1)
      time.processorSeconds += Self.processorTime() - beginProcessor
    }
    return try body()
  }

  /// Processor seconds of this process so far.
  private static func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Appends a record; nothing where there are no metrics.
  /// - Throws: `ArtifactError`.
  package func append(step: Int, _ metrics: [(String, Double)]) throws {
    guard !metrics.isEmpty else { return }
    try lines?.append(
      step: step,
      values: metrics + [(Self.secondsName, time.seconds), (Self.processorSecondsName, time.processorSeconds)])
    try board?.append(step: step, values: metrics.map { ("\(stage)/\($0.0)", $0.1) })
  }

  /// Appends a picture, for TensorBoard alone.
  /// - Throws: `ArtifactError`.
  package func append(step: Int, _ picture: RGBImage, encoded: Data) throws {
    try board?.append(
      step: step, picture: "\(stage)/samples", width: picture.width, height: picture.height, encoded: encoded)
  }
}
