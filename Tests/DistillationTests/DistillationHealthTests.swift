import Testing

@testable import Distillation

@Suite("Health of stage 2") struct DistillationHealthTests {
  /// The warnings of a run whose metric begins at `start` and goes on at `later`.
  private static func warnings(_ metric: String, start: Double, later: Double, rounds: Int = 30) -> [String] {
    var health = DistillationHealth()
    return (1...rounds).flatMap { health.warnings(step: $0, metrics: [(metric, $0 <= 10 ? start : later)]) }
  }

  @Test(arguments: [
    ("fcs", 0.8, 2.3, 2.5, "--score-updates"), ("score_difference", 0.15, 0.29, 0.31, "--generator-lr"),
    ("token_entropy", 4.0, 3.1, 2.9, "--warm-start-steps"),
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

  @Test func fidMayRiseFirstButNotStayAboveItsStart() {
    var health = DistillationHealth()
    #expect(health.warnings(step: 0, metrics: [("fid", 11.5)]).isEmpty)
    #expect(health.warnings(step: 15, metrics: [("fid", 22)]).isEmpty)
    let lines = health.warnings(step: 50, metrics: [("fid", 12)])
    #expect(lines.count == 1 && lines[0].contains("12.0") && lines[0].contains("11.5"))
    #expect(health.warnings(step: 60, metrics: [("fid", 9)]).isEmpty)
  }
}
