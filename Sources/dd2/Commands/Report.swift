import ArgumentParser
import Artifacts
import Foundation
import Reporting
import Training

/// `dd2 report`: runs as a page to look at, or the last values of their metrics.
struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show runs as a page of curves and samples, or the last value of every metric.",
    discussion: """
      Example: dd2 report runs/a runs/b -o report.html

      The page is one file that needs no network: curves, healthy ranges, samples through time, settings, and how the \
      run goes, in words. Several runs are overlaid; a run of dd1 beside others is a line at its best FID. With --watch \
      the page is written again every \(ReportPage.interval) seconds until the runs end. Without -o a table shows each \
      metric's last value and the mean of its last \(Row.window).
      """)

  @Argument(help: ArgumentHelp("Folders of runs.", valueName: "run"), completion: .directory)
  var folders: [String]

  @Option(name: .shortAndLong, help: ArgumentHelp("The page to write.", valueName: "report.html"), completion: .file())
  var output: String?

  @Flag(help: "Write the page again as long as a run goes on.")
  var watch = false

  @Flag(help: "Print JSON.")
  var json = false

  private struct Row: Encodable {
    static let window = 20

    let run: String
    let stage: String
    let metric: String
    let step: Int
    let value: Double
    let mean: Double
  }

  func validate() throws {
    if output != nil, json { throw ValidationError("-o writes a page: it excludes --json") }
    if output == nil, watch { throw ValidationError("--watch writes a page again and again: it needs -o") }
    if Set(folders).count < folders.count { throw ValidationError("a run is given twice") }
  }

  func run() throws {
    if let output { try write(output) } else { try printTable() }
  }

  // MARK: The page

  private func write(_ path: String) throws {
    let inputs = try folders.flatMap {
      try RunFolders.stages(in: $0).flatMap { [$0.run.metricsPath, $0.run.configPath] }
    }
    try Outputs.check(path, option: "-o", as: .page, inputs: inputs)
    var page = try page()
    try Interrupts.deferringSignals { try page.write(path) }
    try Console.result(path)
    guard watch, page.isRunning else { return }
    Log.info("written again every \(ReportPage.interval) seconds; Ctrl-C ends that")
    while page.isRunning {
      sleep(UInt32(ReportPage.interval))
      page = try self.page()
      try Interrupts.deferringSignals { try page.write(path) }
    }
  }

  private func page() throws -> ReportPage {
    ReportPage(try folders.map { try ReportedRun(folder: $0) }, isWatched: watch, createdBy: DD2Version.full)
  }

  // MARK: The table

  private func printTable() throws {
    let rows = try folders.flatMap { folder in
      try RunFolders.stages(in: folder).flatMap { try Self.rows(folder, stage: $0.name, path: $0.run.metricsPath) }
    }
    if let empty = folders.first(where: { folder in !rows.contains { $0.run == folder } }) {
      throw CommandFailure(.missingInput, "\(empty): holds no metrics.jsonl; give the folder of a run")
    }
    guard !json else { return try Console.result(json: rows) }
    let several = folders.count > 1
    let cells = rows.map { row in
      (several ? [row.run] : []) + [
        row.stage, row.metric, "\(row.step)", String(format: "%.5g", row.value),
        String(format: "%.5g", row.mean),
      ]
    }
    let head = (several ? ["RUN"] : []) + ["STAGE", "METRIC", "STEP", "LAST", "MEAN"]
    try Console.result(TextTable([head] + cells).description)
  }

  private static func rows(_ folder: String, stage: String, path: String) throws -> [Row] {
    let records = try MetricLog.read(path)
    let names = Set(records.flatMap(\.keys)).subtracting(["step"])
    return names.sorted().compactMap { name in
      let values = records.compactMap { record in record[name].map { (record["step"] ?? 0, $0) } }
      guard let last = values.last else { return nil }
      let recent = values.suffix(Row.window)
      return Row(
        run: folder, stage: stage, metric: name, step: Int(last.0), value: last.1,
        mean: recent.reduce(0) { $0 + $1.1 } / Double(recent.count))
    }
  }
}
