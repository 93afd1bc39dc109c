import Artifacts
import DD2Teacher
import Foundation
import Processes
import TeacherModels
import TensorCore
import TestModels
import TestSupport
import Testing

@testable import Distillation
@testable import Training

/// Sequences that a run draws itself are drawn by all processes of a job.
@Suite("Sequences drawn by several processes") struct SpreadSequencesTests {
  private struct Found: Sendable {
    var tokens: TokenSet?
    var drawn: [Range<Int>] = []
    var events: [String] = []
  }

  /// Draws in a job, each process with a run's folder of its own, of which the first one's counts.
  private static func draw(
    _ folder: String, of size: Int, stoppingAfter stop: Int? = nil
  ) throws -> [Found] {
    let teacher = try TinyTeacher.nextToken.load(in: folder).teacher
    return try inJob(of: size) { group in
      let flag = InterruptFlag()
      var found = Found()
      let collection = TokenCollection(name: "numbers", total: 23, origin: ["seed": "1"], batch: 5) {
        { range in
          found.drawn.append(range)
          return TokenSet(
            ids: IndexArray(range.flatMap { row in (0..<16).map { Int32((row * 5 + $0) % 12) } }, [range.count, 16]),
            labels: range.map { Int32($0 % 10) })
        }
      }
      let run = try OpenRun("\(folder)/run\(size)-\(group.rank)", settings: ["a": 1], command: "test")
      let session = TokenCollection.Session(
        teacher: teacher, run: run, interrupt: flag, time: TrainingTime(),
        observer: { event in
          guard case .step(_, let completed, _, _) = event else { return }
          found.events.append("\(completed)")
          // As a signal reaches processes: not all at once.
          if completed == stop, group.rank == group.size - 1 { flag.raise() }
        })
      do {
        found.tokens = try collection.sequences(session)
      } catch is RunInterrupted {
        found.events.append("interrupted")
      }
      return found
    }
  }

  @Test func allGetAllAndTheFirstWrites() throws {
    try withTemporaryFolder { folder in
      let alone = try Self.draw(folder, of: 1)[0]
      let tokens = try #require(alone.tokens)
      #expect(tokens.count == 23 && alone.events == ["5", "10", "15", "20", "23"])
      let begun = try Self.draw(folder, of: 3, stoppingAfter: 15)
      #expect(begun.map(\.drawn) == [[0..<5], [5..<10], [10..<15]])
      #expect(begun.allSatisfy { $0.events == ["15", "interrupted"] })
      let ended = try Self.draw(folder, of: 3)
      #expect(ended.map(\.drawn) == [[15..<20], [20..<23], []])
      for found in ended {
        #expect(found.tokens?.ids == tokens.ids && found.tokens?.labels == tokens.labels && found.events == ["23"])
      }
      #expect(try bytes(folder + "/run3-0/numbers.h5") == bytes(folder + "/run1-0/numbers.h5"))
      #expect(try metrics(folder + "/run3-0").map { $0["step"] } == [15, 23])
      for rank in 1...2 {
        for name in ["numbers.h5", "metrics.jsonl"] {
          #expect(!FileAccess.exists("\(folder)/run3-\(rank)/\(name)"), "\(name)")
        }
      }
    }
  }
}
