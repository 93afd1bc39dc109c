import Artifacts
import Foundation
import TestSupport
import Testing

/// What a terminal of some width shows while dd2 works.
@Suite struct TerminalTests {
  private let folder: TemporaryFolder
  private let dd2: Command

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  /// The states that a terminal's last line went through, in order.
  private func lines(columns: Int, _ arguments: String) throws -> [String] {
    let outcome = try dd2(
      arguments.split(separator: " ").map(String.init), models: Command.bundledModels,
      shell: "exec script -qec \"stty cols \(columns); exec $0 $*\" /dev/null")
    #expect(outcome.status == 0, "\(outcome.output)")
    return outcome.output.components(separatedBy: "\r\u{1B}[K").map {
      $0.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    }
  }

  @Test func metricsAreShownWholeOrNotAtAll() throws {
    for (number, columns) in [400, 124, 114, 107, 60].enumerated() {
      let run = "run\(number)"
      let shown = try lines(
        columns: columns,
        "distill --steps 2 --run \(run) --set stage1.steps=1 --set warm_start.steps=0 --batch 2 --set noise_levels=1 "
          + "--set stage2.score_updates=1 --set stage2.first_score_updates=1 --set stage1.images=20 --evaluate-every 0")
      let record = try #require(try MetricLog.read(folder.file("\(run)/metrics.jsonl")).last)
      let line = try #require(shown.last { $0.contains("2/2 steps, 100%") }, "\(shown)")
      #expect(line.count < columns, "\(line)")
      #expect(columns < 107 || line.hasPrefix("stage 2 of 2: distill [========================] 2/2 steps"), "\(line)")
      let words = line.split(separator: ", ").dropFirst(4).joined().split(separator: " ")
      #expect(words.count % 2 == 0, "\(line)")
      for i in stride(from: 0, to: words.count - 1, by: 2) {
        let value = try #require(record[String(words[i])], "\(line)")
        #expect(String(words[i + 1]) == String(format: "%.4g", value), "\(line)")
      }
      #expect(columns < 400 || words.count >= 8, "\(line)")
    }
  }

  @Test func narrowTerminals() throws {
    for (columns, expected) in [
      (200, "rendering [========================] 3/3 images, 100%"), (0, "rendering "),
      (60, "rendering 3/3 images, 100%"),
      (20, "3/3 images, 100%"), (12, "3/3 images"), (5, ""),
    ] {
      let shown = try lines(columns: columns, "data render -o out --count 3")
      let line = try #require(shown.last { !$0.contains("shapes32 train") || columns == 5 })
      #expect(columns == 5 || line.hasPrefix(expected), "\(columns): \(shown)")
      #expect(columns == 0 || shown.allSatisfy { $0.count < columns || $0.contains("shapes32 train") }, "\(shown)")
    }
  }
}
