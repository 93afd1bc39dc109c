import Artifacts
import Foundation

/// The log of a stage: its metrics as lines of JSON and for TensorBoard, each record with the training time so far.
package final class StageLog {
  /// The field of the training time in `metrics.jsonl`.
  static let secondsName = "seconds"
  /// The field of the processor time of training.
  static let processorSecondsName = "cpu_seconds"

  private let stage: String
  private let lines: MetricLog
  private let board: TensorBoardWriter
  /// Training time of the stage in seconds, over all its sessions; evaluation and saving are not in it.
  private var seconds: Double
  /// The same in processor seconds of all threads: what it would have taken alone on the machine with one thread.
  private var processorSeconds: Double

  /// Opens a run's log to go on after `completed` steps.
  /// - Throws: `ArtifactError`.
  package init(_ run: RunDirectory, stage: String, resumingAfter completed: Int) throws {
    self.stage = stage
    lines = try run.metricLog(resumingAfter: completed)
    board = try run.tensorBoardWriter(resumingAfter: completed)
    let last = try MetricLog.read(run.metricsPath).last
    seconds = last?[Self.secondsName] ?? 0
    processorSeconds = last?[Self.processorSecondsName] ?? 0
  }

  /// Runs `body` and counts its time as training time.
  package func timed<Result>(_ body: () throws -> Result) rethrows -> Result {
    let begin = ContinuousClock.now
    let beginProcessor = Self.processorTime()
    defer {
      seconds += (ContinuousClock.now - begin) / .seconds(1)
      processorSeconds += Self.processorTime() - beginProcessor
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
    try lines.append(
      step: step, values: metrics + [(Self.secondsName, seconds), (Self.processorSecondsName, processorSeconds)])
    try board.append(step: step, values: metrics.map { ("\(stage)/\($0.0)", $0.1) })
  }
}
