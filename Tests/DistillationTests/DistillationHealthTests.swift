import Artifacts
import FIDEval
import TestModels
import TestSupport
import Testing
import Training

@testable import Distillation

@Suite("Health of stage 2") struct DistillationHealthTests {
  /// The warnings of a run whose metric begins at `start` and goes on at `later`.
  private static func warnings(_ metric: String, start: Double, later: Double, rounds: Int = 30) -> [String] {
    var health = DistillationHealth()
    return (1...rounds).flatMap { health.warnings(step: $0, metrics: [(metric, $0 <= 10 ? start : later)]) }
  }

  @Test(arguments: [
    ("fcs", 0.8, 2.3, 2.5, "stage2.score_updates"), ("score_difference", 0.15, 0.29, 0.31, "--generator-lr"),
    ("token_entropy", 4.0, 3.1, 2.9, "warm_start.steps"),
  ])
  func warnsOnceBeyondTheRange(_ metric: String, start: Double, healthy: Double, unhealthy: Double, advice: String) {
    #expect(Self.warnings(metric, start: start, later: healthy).isEmpty)
    let lines = Self.warnings(metric, start: start, later: unhealthy)
    #expect(lines.count == 1)
    #expect(lines.allSatisfy { $0.hasPrefix(metric) && $0.contains(advice) && $0.contains("round 20") })
  }

  @Test func warnsAgainAfterRecovery() {
    var health = DistillationHealth()
    let values = Array(repeating: 1.0, count: 10) + Array(repeating: 4.0, count: 10) + Array(repeating: 1.0, count: 20)
    var lines = 0
    for (index, value) in (values + Array(repeating: 4.0, count: 20)).enumerated() {
      lines += health.warnings(step: index + 1, metrics: [("fcs", value)]).count
    }
    #expect(lines == 2)
  }

  @Test func episodesAndRangesOfALog() {
    let values = Array(repeating: 1.0, count: 10) + Array(repeating: 4.0, count: 10) + Array(repeating: 1.0, count: 20)
    let log = (values + Array(repeating: 9.0, count: 20)).enumerated().map { ["step": Double($0 + 1), "fcs": $1] }
    let episodes = DistillationHealth.episodes(in: log)
    #expect(episodes.map(\.fault) == ["the score network lags", "the score network lags"])
    #expect(episodes.map(\.since) == [20, 43] && episodes.map(\.until) == [24, nil])
    let range = DistillationHealth.healthyRange(of: "fcs", in: log)
    #expect(range?.from == nil && range?.to == 3)
    #expect(DistillationHealth.healthyRange(of: "fcs", in: Array(log.prefix(9))) == nil)
    #expect(DistillationHealth.healthyRange(of: "csd", in: log) == nil)
  }

  @Test func fidMayRiseFirstButNotStayAboveItsStart() {
    var health = DistillationHealth()
    #expect(health.warnings(step: 0, metrics: [("fid", 11.5)]).isEmpty)
    #expect(health.warnings(step: 15, metrics: [("fid", 22)]).isEmpty)
    let lines = health.warnings(step: 50, metrics: [("fid", 12)])
    #expect(lines.count == 1 && lines[0].contains("12.0") && lines[0].contains("11.5"))
    #expect(health.warnings(step: 60, metrics: [("fid", 9)]).isEmpty)
  }
}

@Suite("Watched runs") struct HealthWatchTests {
  @Test func readsTheLogOfTheRunAndPassesEventsOn() throws {
    try withTemporaryFolder { folder in
      let run = try OpenRun(folder + "/run", settings: tinySettings(steps: 3), command: "test").directory
      let log = try MetricLog(appendingTo: run.metricsPath)
      try log.append(step: 0, values: [("fid", 10)])
      var lines: [String] = []
      var steps = 0
      let watch = HealthWatch(run) { event in
        if case .warning(let line) = event { lines.append(line) }
        if case .step = event { steps += 1 }
      }
      watch.receive(.step(stage: "distill", completed: 50, total: 60, metrics: [("fid", 11)]))
      #expect(steps == 1)
      #expect(lines.count == 1 && lines[0].contains("worse than 10.0"))
    }
  }

  /// A resumed run reads where its log began: FID of the fiftieth round is worse than that, which is said once.
  @Test func aRunWhoseFIDStaysAboveItsStartSaysSoOnce() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextToken.load(in: folder)
      var settings = tinySettings(steps: 49)
      settings.stage1Steps = 1
      settings.evaluationInterval = 25
      settings.evaluationCount = 4
      let extractor = ColorExtractor()
      let scorer = FIDScorer(
        extractor: extractor, reference: try FIDScorer.statistics(of: FewImages(), extractor: extractor))
      var warnings: [String] = []
      func go(on steps: Int) throws {
        settings.steps = steps
        try distill(settings, teacher, folder + "/run", scorer: scorer) { event in
          if case .warning(let line) = event, line.hasPrefix("FID") { warnings.append(line) }
        }
      }
      try go(on: 49)
      #expect(warnings.isEmpty)
      let path = folder + "/run/metrics.jsonl"
      let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      #expect(lines[0].contains("\"fid\""))
      try (["{\"step\": 0, \"fid\": 0.0001}"] + lines.dropFirst()).joined(separator: "\n").appending("\n")
        .write(toFile: path, atomically: true, encoding: .utf8)
      // Scored after the fiftieth round and after the last.
      try go(on: 52)
      #expect(warnings.count == 1)
      #expect(warnings.first?.contains("after round 50, worse than 0.0 at the start") == true, "\(warnings)")
    }
  }
}
