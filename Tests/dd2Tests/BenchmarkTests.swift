import Foundation
import TestSupport
import Testing

/// What the benchmarks time still fits the program: its networks are built and make a step.
@Suite struct BenchmarkTests {
  @Test func theTimedTaskRuns() throws {
    let outcome = try Command(folder: TemporaryFolder(), program: "dd2-bench")(
      ["training", "--profile", "teacher", "--count", "1"])
    #expect(outcome.status == 0, "\(outcome.log)")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 1)
    #expect(Double(try #require(lines.first)) ?? 0 > 0)
  }
}
