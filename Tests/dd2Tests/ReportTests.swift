import Artifacts
import Foundation
import TestSupport
import Testing

/// Runs as a page, and as a table.
@Suite struct ReportTests {
  private let folder: TemporaryFolder
  private let dd2: Command

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
    for path in ["a", "a/pairs", "b"] {
      try folder.makeFolder(path)
      try folder.write("{}\n", to: path + "/starts.jsonl")
      let log = try RunDirectory.create(folder.file(path), config: Record()).metricLog()
      try log.append(step: 1, values: [("fid", 8), ("seconds", 10)])
      try log.append(step: 2, values: [("fid", 4), ("seconds", 20)])
    }
  }

  /// As every run records it.
  private struct Record: Encodable {
    var command = "dd2 x"
    var createdBy = "dd2 0"
    var backend = "test"
    var settings = ["steps": 2]
  }

  @Test func thePageHoldsAllItNeeds() throws {
    #expect(try dd2.succeeding(["report", "a", "b", "-o", "page.html"]).output == "page.html\n")
    let page = String(decoding: try folder.contents("page.html"), as: UTF8.self)
    for word in ["src=\"http", "href=", "url(http", "@import", "fetch("] { #expect(!page.contains(word), "\(word)") }
    // Written over, as a page may be; with --watch too, where no run goes on.
    #expect(try dd2.succeeding(["report", "a", "-o", "page.html", "--watch"]).log.isEmpty)
    #expect(!String(decoding: try folder.contents("page.html"), as: UTF8.self).contains("\"reloadAfter\":15"))
  }

  @Test func thePageOfARunThatGoesOnIsLookedAtAgain() throws {
    let lock = try WriterLock(folder: folder.file("a"))
    let outcome = try dd2(["report", "a", "-o", "page.html", "--watch"]) { process in
      while !FileAccess.exists(folder.file("page.html")) { usleep(10_000) }
      kill(process.processIdentifier, SIGINT)
    }
    withExtendedLifetime(lock) {}
    #expect(outcome.status == 130)
    #expect(String(decoding: try folder.contents("page.html"), as: UTF8.self).contains("\"reloadAfter\":15"))
  }

  @Test func theTableNamesRunsWhereThereAreSeveral() throws {
    let one = try dd2.succeeding(["report", "a", "--json"]).json() as? [[String: Any]]
    #expect(one?.compactMap { $0["value"] as? Double } == [4, 20, 4, 20])
    let lines = try dd2.succeeding(["report", "a", "b"]).output.split(separator: "\n")
    #expect(lines.count == 7 && lines[0].hasPrefix("RUN") && lines[6].hasPrefix("b "))
  }

  @Test func refusals() throws {
    try dd2.expectFailure(["report", "a", "--watch"], status: 64, saying: ["--watch", "-o"])
    try dd2.expectFailure(["report", "a", "-o", "p.html", "--json"], status: 64, saying: ["--json"])
    try dd2.expectFailure(["report", "a", "a"], status: 64, saying: ["twice"])
    try folder.makeFolder("empty")
    try dd2.expectFailure(["report", "empty", "-o", "p.html"], status: 65, saying: ["empty", "metrics.jsonl"])
    try dd2.expectFailure(["report", "empty"], status: 66, saying: ["empty", "metrics.jsonl"])
    for file in ["a/config.json", "a/metrics.jsonl", "a/pairs/metrics.jsonl"] {
      let before = try folder.contents(file)
      try dd2.expectFailure(
        ["report", "a", "-o", file], status: 64, saying: ["-o \(file): is the file", "that is read"])
      #expect(try folder.contents(file) == before)
    }
  }
}
