import Artifacts
import Foundation
import NN
import TensorCore
import TestModels
import TestSupport
import Testing
import Training

@testable import Distillation

/// A run that is interrupted in one of its stages.
struct Interruption: Sendable, CustomTestStringConvertible {
  let family: TinyTeacher
  let stage: String
  let regressionWeight: Float

  var testDescription: String { "\(family), \(stage), regression \(regressionWeight)" }

  static let all = TinyTeacher.allCases.flatMap { family in
    [
      ("stage1", 0), ("warm-start", 0), ("warm-start", 0.1), ("distill", 0), ("distill", 0.1),
      ("dd1", 0),
    ]
    .map { Interruption(family: family, stage: $0, regressionWeight: $1) }
  }

  /// Five steps of every stage, so that two checkpoints follow the interruption after the third.
  var configuration: DistillationConfiguration {
    var configuration = tinySettings(steps: 5)
    configuration.stage1Steps = 5
    configuration.warmStartSteps = 5
    configuration.pairs = 8
    configuration.pairIntegrationSteps = 2
    configuration.method = stage == "dd1" ? .dd1 : .dd2
    configuration.warmStartSteps = stage == "dd1" ? 0 : configuration.warmStartSteps
    configuration.regressionWeight = regressionWeight
    return configuration
  }
}

@Suite("Resumed runs", .serialized) struct ResumeTests {
  /// Paths of the files with an extension below a folder, sorted.
  private static func files(_ fileExtension: String, below folder: String) -> [String] {
    (FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? [])
      .filter { $0.hasSuffix("." + fileExtension) }.sorted()
  }

  private static func withoutTimes(_ log: [[String: Double]]) -> [[String: Double]] {
    log.map { $0.filter { !$0.key.hasSuffix("seconds") } }
  }

  @Test(arguments: Interruption.all)
  func aResumedRunEqualsAnUninterruptedOne(_ interruption: Interruption) throws {
    try withTemporaryFolder { folder in
      let teacher = try interruption.family.load(in: folder)
      let (configuration, stage) = (interruption.configuration, interruption.stage)
      let (whole, parts) = (folder + "/whole", folder + "/parts")
      try distill(configuration, teacher, whole)
      let flag = InterruptFlag()
      #expect(throws: RunInterrupted.self) {
        try distill(configuration, teacher, parts, interrupt: flag) { event in
          if case .step(stage: stage, completed: 3, total: _, metrics: _) = event { flag.raise() }
        }
      }
      // A folder of pictures that someone removed comes back.
      try? FileManager.default.removeItem(atPath: parts + "/snapshots")
      // Files record the command that began the run.
      var continued: [String: Int] = [:]
      try distill(configuration, teacher, parts, command: "test --resume") { event in
        if case .started(let stage, let completed, _) = event { continued[stage] = completed }
      }
      #expect(continued[stage] == 3)
      let models = Self.files("h5", below: whole)
      #expect(Self.files("h5", below: parts) == models)
      #expect(models.count >= 4 && models.contains("generator.h5"))
      for name in models { #expect(try bytes(parts + "/" + name) == bytes(whole + "/" + name), "\(name)") }
      for name in Self.files("jsonl", below: whole) where name.hasSuffix("metrics.jsonl") {
        let (resumed, expected) = (try MetricLog.read(parts + "/" + name), try MetricLog.read(whole + "/" + name))
        #expect(Self.withoutTimes(resumed) == Self.withoutTimes(expected), "\(name)")
        let seconds = resumed.compactMap { $0["seconds"] }
        #expect(seconds.count == expected.count && seconds == seconds.sorted() && Set(seconds).count == seconds.count)
      }
    }
  }
}
