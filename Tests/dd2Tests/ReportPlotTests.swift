import Foundation
import TestSupport
import Testing

/// The curves of several runs in one picture.
@Suite struct ReportPlotTests {
  @Test func drawsARunsMetricOverItsSecondsStagesBeforeIncluded() throws {
    let folder = try TemporaryFolder()
    let dd2 = Command(folder: folder)
    for (path, lines) in [
      (
        "a",
        [
          "{\"step\": 1, \"fid\": 8, \"seconds\": 70, \"cpu_seconds\": 80}",
          "{\"step\": 2, \"fid\": 4, \"seconds\": 80, \"cpu_seconds\": 100}",
        ]
      ),
      ("a/pairs", ["{\"step\": 9, \"seconds\": 60, \"cpu_seconds\": 68}"]),
      ("b", ["{\"step\": 1, \"fid\": 6, \"seconds\": 100}", "{\"step\": 5, \"fid\": 5, \"seconds\": 0}"]),
    ] {
      let place = folder.file(path)
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      try "{}".write(toFile: place + "/config.json", atomically: true, encoding: .utf8)
      try (lines.joined(separator: "\n") + "\n").write(
        toFile: place + "/metrics.jsonl", atomically: true, encoding: .utf8)
    }
    #expect(try dd2(["report", "a", "b", "--label", "A<B", "second", "--plot", "p.svg"]).status == 0)
    let svg = try String(contentsOfFile: folder.file("p.svg"), encoding: .utf8)
    #expect(svg.contains(">A&lt;B</text>") && svg.contains(">second</text>"))
    // Seconds run from 0 to 100 and FIDs from 4 to 8: run a goes from (70, 8) to (80, 4).
    #expect(svg.contains("points='509.2,20.0 572.8,390.0'"))
    #expect(svg.contains("points='700.0,205.0 64.0,297.5'"))
    // Processor seconds: run a goes from (80, 8) to (100, 4), from end to end.
    #expect(try dd2(["report", "a", "--plot", "cpu.svg", "--against", "cpu_seconds"]).status == 0)
    let processor = try String(contentsOfFile: folder.file("cpu.svg"), encoding: .utf8)
    #expect(processor.contains("points='64.0,20.0 700.0,390.0'") && processor.contains("processor seconds of training"))
    // Steps, those of other stages apart: run a goes from (1, 8) to (2, 4), run b from (1, 6) to (5, 5).
    #expect(try dd2(["report", "a", "b", "--plot", "step.svg", "--against", "step"]).status == 0)
    let steps = try String(contentsOfFile: folder.file("step.svg"), encoding: .utf8)
    #expect(steps.contains("points='64.0,20.0 223.0,390.0'") && steps.contains("points='64.0,205.0 700.0,297.5'"))
    // Cut off above 6: the axis ends there, and 8 lies as far above it as the axis is long.
    #expect(try dd2(["report", "a", "--plot", "cut.svg", "--max", "6"]).status == 0)
    let cut = try String(contentsOfFile: folder.file("cut.svg"), encoding: .utf8)
    #expect(cut.contains("points='64.0,-350.0 700.0,390.0'") && cut.contains(">6</text>"))
    #expect(cut.contains("clip-path='url(#area)'") && !cut.contains(">8</text>"))
    try dd2.expectFailure(["report", "a", "--plot", "p.svg", "--max", "4"], status: 64, saying: ["--max 4"])
    try dd2.expectFailure(["report", "a", "--max", "4"], status: 64, saying: ["--plot"])
    try dd2.expectFailure(
      ["report", "b", "--plot", "p.svg", "--against", "cpu_seconds"], status: 66, saying: ["cpu_seconds", "b"])
    try dd2.expectFailure(["report", "a", "b"], status: 64, saying: ["--plot"])
    try dd2.expectFailure(["report", "a", "--plot", "p.svg", "--metric", "nope"], status: 66, saying: ["nope", "a"])
  }

  @Test func whatACurveIsDrawnFromIsNotReplacedByIt() throws {
    let folder = try TemporaryFolder()
    let dd2 = Command(folder: folder)
    try folder.makeFolder("run/pairs")
    for path in ["run", "run/pairs"] {
      try folder.write("{}", to: path + "/config.json")
      try folder.write("{\"step\": 1, \"fid\": 8, \"seconds\": 10}\n", to: path + "/metrics.jsonl")
    }
    for file in ["run/config.json", "run/metrics.jsonl", "run/pairs/metrics.jsonl"] {
      let before = try folder.contents(file)
      try dd2.expectFailure(
        ["report", "run", "--plot", file], status: 64, saying: ["--plot \(file): is the file \(file) that is read"])
      #expect(try folder.contents(file) == before)
    }
  }
}
