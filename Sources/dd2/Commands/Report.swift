import ArgumentParser
import Artifacts
import Foundation
import Training

/// `dd2 report`: the last values of runs' metrics, or their curves in a picture.
struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the last value of every metric of a run, or draw a metric of several runs.",
    discussion: """
      Example: dd2 report runs/a runs/b --plot fid.svg --against cpu_seconds

      The mean is taken over the metric's last \(Row.window) values. With --plot, --metric is drawn against steps, \
      training seconds or processor seconds of the runs (the latter compare runs made on a busy machine), all \
      stages counted.
      """)

  @Argument(help: ArgumentHelp("The run's folder; several with --plot.", valueName: "run"), completion: .directory)
  var folders: [String]

  @Option(help: ArgumentHelp("Draw curves into this SVG file.", valueName: "file"), completion: .file())
  var plot: String?

  @Option(name: .customLong("metric"), help: "The metric to draw (default: fid).")
  var givenMetric: String?

  @Option(
    name: .customLong("against"), help: "What to draw it against: seconds, cpu_seconds or step (default: seconds).")
  var givenAbscissa: Abscissa?

  private var metric: String { givenMetric ?? "fid" }
  private var against: Abscissa { givenAbscissa ?? .seconds }

  @Option(parsing: .upToNextOption, help: "Names of the curves, one per run; default: the folders' names.")
  var label: [String] = []

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The largest value to draw; curves are cut off above it.", valueName: "value"))
  var max: Double?

  /// A field of the metrics' records.
  enum Abscissa: String, ExpressibleByArgument, CaseIterable {
    case seconds
    case processorSeconds = "cpu_seconds"
    case step

    var title: String {
      switch self {
      case .seconds: "training seconds, earlier stages included"
      case .processorSeconds: "processor seconds of training, earlier stages included"
      case .step: "step"
      }
    }
  }

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

  func validate() throws {
    if plot == nil, folders.count > 1 { throw ValidationError("several runs are given: --plot draws them together") }
    if plot != nil, json { throw ValidationError("--plot draws a picture: it excludes --json") }
    if plot == nil, max != nil { throw ValidationError("--max cuts curves off: it needs --plot") }
    if plot == nil, givenMetric != nil || givenAbscissa != nil {
      throw ValidationError("--metric and --against say what to draw: they need --plot")
    }
    if plot == nil, !label.isEmpty { throw ValidationError("--label names curves: it needs --plot") }
    if !label.isEmpty, label.count != folders.count {
      throw ValidationError("--label has \(label.count) names for \(folders.count) runs; give one per run")
    }
  }

  func run() throws {
    if let plot { return try draw(into: plot) }
    let folder = folders[0]
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

  private func draw(into path: String) throws {
    let inputs = try folders.flatMap { folder -> [String] in
      try Self.logs(in: folder).map(\.path) + [RunDirectory.open(folder).configPath]
    }
    try Outputs.check(path, option: "--plot", as: .picture, inputs: inputs)
    let curves = try folders.enumerated().map { i, folder in
      LinePlot.Curve(
        name: label.isEmpty ? folder.pathName : label[i],
        points: try points(of: folder))
    }
    if let max, !curves.flatMap(\.points).contains(where: { $0.y < max }) {
      throw CommandFailure(.usage, "--max \(max): no \(metric) of the runs lies below it; give a larger value")
    }
    let picture = LinePlot(xLabel: against.title, yLabel: metric, curves: curves, ceiling: max)
    try Interrupts.deferringSignals { try AtomicFile.write(Data(picture.svg.utf8), to: path) }
    try Console.result(path)
  }

  /// The metric's points in the log of the run itself.
  private func points(of folder: String) throws -> [(x: Double, y: Double)] {
    let path = try RunDirectory.open(folder).metricsPath
    let records = FileAccess.exists(path) ? try MetricLog.read(path) : []
    let points = records.compactMap { record -> (x: Double, y: Double)? in
      guard let y = record[metric], y.isFinite, let x = record[against.rawValue] else { return nil }
      return (x, y)
    }
    guard !points.isEmpty else {
      throw CommandFailure(.missingInput, "\(folder): its metrics.jsonl holds no \(metric) with \(against.rawValue)")
    }
    return points
  }

  /// The logs of the run and of the stages below it, in the order in which they were last written.
  private static func logs(in folder: String) throws -> [(stage: String, path: String)] {
    func below(_ path: String) throws -> [String] { try FileAccess.names(in: path).map { "\(path)/\($0)" } }
    let stages = try below(folder).filter { FileAccess.exists($0 + "/config.json") }
    let logs = try ([folder] + stages + stages.flatMap(below)).compactMap {
      path -> (date: Int, stage: String, path: String)? in
      guard let run = try? RunDirectory.open(path), let date = FileAccess.modificationTime(run.metricsPath) else {
        return nil
      }
      return (date, path == folder ? path.pathName : String(path.dropFirst(folder.count + 1)), run.metricsPath)
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
