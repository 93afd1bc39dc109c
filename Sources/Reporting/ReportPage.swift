import Artifacts
import Foundation

/// The page that shows runs: one file of HTML that needs nothing else, no network either.
public struct ReportPage {
  private let runs: [ReportedRun]
  private let isWatched: Bool
  private let createdBy: String

  /// What the page's script reads.
  private struct Contents: Encodable {
    let runs: [ReportedRun]
    let created: String
    let createdBy: String
    /// Seconds after which the page looks for a newer one; nil where none will come.
    let reloadAfter: Int?
  }

  /// The first bytes of a page.
  public static let start = Array("<!doctype html>\n<html lang=\"en\" data-dd2>".utf8)

  /// Seconds between two pages of a run that goes on.
  public static let interval = 15

  /// A page.
  /// - Parameters:
  ///   - isWatched: whether the file is written again as long as a run goes on.
  ///   - createdBy: the program.
  public init(_ runs: [ReportedRun], isWatched: Bool = false, createdBy: String) {
    (self.runs, self.isWatched, self.createdBy) = (runs, isWatched, createdBy)
  }

  /// Whether a run goes on.
  public var isRunning: Bool { runs.contains { $0.state == .running } }

  /// Writes the page in one piece.
  /// - Throws: `ArtifactError`.
  public func write(_ path: String) throws { try AtomicFile.write(Data(try html().utf8), to: path) }

  private func html() throws -> String {
    let contents = Contents(
      runs: runs, created: Date().formatted(.iso8601), createdBy: createdBy,
      reloadAfter: isWatched && isRunning ? Self.interval : nil)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    // A name with "</script>" in it must not end the data.
    let data = String(decoding: try encoder.encode(contents), as: UTF8.self).replacing("<", with: "\\u003c")
    let title = runs.map(\.name).joined(separator: ", ").replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    return """
      \(Self.text(Self.start))
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>\(title) - dd2</title>
      <style>\(Self.text(PackageResources.uPlot_min_css))</style>
      <style>\(Self.text(PackageResources.report_css))</style>
      </head>
      <body>
      <main></main>
      <script type="application/json" id="data">\(data)</script>
      <script>\(Self.text(PackageResources.uPlot_iife_js))</script>
      <script>\(Self.text(PackageResources.report_js))</script>
      </body>
      </html>

      """
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
