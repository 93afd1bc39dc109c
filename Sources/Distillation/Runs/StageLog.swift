import Artifacts

/// The log of a stage: its metrics as lines of JSON and for TensorBoard, each record with the training time so far.
final class StageLog {
  /// The field of the training time in `metrics.jsonl`.
  static let secondsName = "seconds"

  private let stage: String
  private let lines: MetricLog
  private let board: TensorBoardWriter
  /// Training time of the stage in seconds, over all its sessions; evaluation and saving are not in it.
  private var seconds: Double

  /// Opens a run's log to go on after `completed` steps.
  /// - Throws: `ArtifactError`.
  init(_ run: RunDirectory, stage: String, resumingAfter completed: Int) throws {
    self.stage = stage
    lines = try run.metricLog(resumingAfter: completed)
    board = try run.tensorBoardWriter(resumingAfter: completed)
    seconds = try MetricLog.read(run.metricsPath).last?[Self.secondsName] ?? 0
  }

  /// Runs `body` and counts its time as training time.
  func timed<Result>(_ body: () throws -> Result) rethrows -> Result {
    let begin = ContinuousClock.now
    defer { seconds += (ContinuousClock.now - begin) / .seconds(1) }
    return try body()
  }

  /// Appends a record; nothing where there are no metrics.
  /// - Throws: `ArtifactError`.
  func append(step: Int, _ metrics: [(String, Double)]) throws {
    guard !metrics.isEmpty else { return }
    try lines.append(step: step, values: metrics + [(Self.secondsName, seconds)])
    try board.append(step: step, values: metrics.map { ("\(stage)/\($0.0)", $0.1) })
  }
}
