import ArgumentParser
import Artifacts
import Foundation

/// `dd2 report`: the last values of a run's metrics.
struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the last value of every metric of a run.",
    discussion: "The mean is taken over the metric's last \(Row.window) values.")

  @Argument(help: ArgumentHelp("The run's folder.", valueName: "run"))
  var folder: String

  @Flag(help: "Print JSON.")
  var json = false

  private struct Row: Encodable {
    static let window = 20

    let stage: String
    let metric: String
    let step: Int
    let value: Double
    let mean: Double
  }

  func run() throws {
    let rows = try Self.logs(in: folder).flatMap { try Self.rows(stage: $0.stage, path: $0.path) }
    guard !rows.isEmpty else {
      throw CommandFailure(.missingInput, "\(folder): holds no metrics.jsonl; give the folder of a run")
    }
    guard !json else { return try Console.result(json: rows) }
    let cells = rows.map { row in
      [
        row.stage, row.metric, "\(row.step)", String(format: "%.5g", row.value),
        String(format: "%.5g", row.mean),
      ]
    }
    try Console.result(TextTable([["STAGE", "METRIC", "STEP", "LAST", "MEAN"]] + cells).description)
  }

  /// The logs of the run and of the stages below it, in the order in which they were last written.
  private static func logs(in folder: String) throws -> [(stage: String, path: String)] {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
      throw ArtifactError.missingFile(path: folder)
    }
    let paths = [folder] + names.sorted().map { "\(folder)/\($0)" }
    let logs = paths.compactMap { path -> (date: Date, stage: String, path: String)? in
      guard let run = try? RunDirectory.open(path) else { return nil }
      let attributes = try? FileManager.default.attributesOfItem(atPath: run.metricsPath)
      guard let date = attributes?[.modificationDate] as? Date else { return nil }
      return (date, URL(fileURLWithPath: path).lastPathComponent, run.metricsPath)
    }
    return logs.sorted { $0.date < $1.date }.map { ($0.stage, $0.path) }
  }

  private static func rows(stage: String, path: String) throws -> [Row] {
    let records = try MetricLog.read(path)
    let names = Set(records.flatMap(\.keys)).subtracting(["step"])
    return names.sorted().compactMap { name in
      let values = records.compactMap { record in record[name].map { (record["step"] ?? 0, $0) } }
      guard let last = values.last else { return nil }
      let recent = values.suffix(Row.window)
      return Row(
        stage: stage, metric: name, step: Int(last.0), value: last.1,
        mean: recent.reduce(0) { $0 + $1.1 } / Double(recent.count))
    }
  }
}
