import Artifacts
import DD2Generator
import Foundation
import NN
import Sampling
import TensorCore
import TestModels
import TestSupport
import Testing

@testable import Distillation

@Suite("Distillation runs", .serialized) struct DistillationPipelineTests {
  @Test(arguments: DistillationLoss.allCases, TinyTeacher.allCases)
  func equalSeedsGiveEqualFiles(_ loss: DistillationLoss, _ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder)
      var configuration = tinySettings(steps: 3)
      configuration.loss = loss
      let first = try bytes(distill(configuration, teacher, folder + "/a"))
      #expect(try bytes(distill(configuration, teacher, folder + "/b")) == first)
      configuration.seed = 2
      #expect(try bytes(distill(configuration, teacher, folder + "/c")) != first)
    }
  }

  @Test(arguments: TinyTeacher.allCases)
  func theWarmStartLearnsPairs(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder)
      var configuration = tinySettings(steps: 1)
      configuration.pairs = 8
      configuration.pairIntegrationSteps = 2
      configuration.warmStartSteps = 3
      try distill(configuration, teacher, folder + "/run")
      let metrics = try MetricLog.read(folder + "/run/warm-start/metrics.jsonl")
      #expect(metrics.count == 3)
      #expect(metrics.allSatisfy { $0["regression"] ?? -1 > 0 })
    }
  }

  @Test(arguments: TinyTeacher.allCases) func regressionAloneMakesAGenerator(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder)
      var configuration = tinySettings(steps: 3)
      configuration.method = .dd1
      configuration.parts = 1
      configuration.pairs = 8
      configuration.pairIntegrationSteps = 2
      // DD1 learns the teacher's own pairs.
      configuration.chainParts = 2
      let path = try distill(configuration, teacher, folder + "/run")
      for stage in ["stage1", "chain"] {
        #expect(!FileManager.default.fileExists(atPath: folder + "/run/" + stage))
      }
      #expect(try GeneratorFile.read(path, teacher: teacher).generator.partCount == 1)
    }
  }

  @Test func steadyStateTakesNoMemoryFromTheSystem() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextScale.load(in: folder)
      var resident: [Int: Int] = [:]
      var configuration = tinySettings(steps: 200)
      configuration.checkpointInterval = 1000
      configuration.snapshotInterval = 1000
      try distill(configuration, teacher, folder + "/run") { event in
        guard case .step(stage: "distill", let completed, total: _, metrics: _) = event else { return }
        resident[completed] = ProcessMemory.residentBytes
      }
      // The last step draws a picture, which takes memory that no other test may have taken yet.
      let growth = try #require(resident[199]) - #require(resident[50])
      #expect(growth < 2 << 20, "resident size grew by \(growth) bytes over 149 steps")
    }
  }

  @Test(arguments: TinyTeacher.allCases) func metricsAreLogged(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder)
      try distill(tinySettings(steps: 2), teacher, folder + "/run")
      let log = try MetricLog.read(folder + "/run/metrics.jsonl")
      #expect(log.map { $0["step"] } == [1, 2])
      for name in [
        "csd", "fcs", "score_difference", "teacher_nll", "teacher_entropy", "token_entropy", "code_distance",
        "generator_gradient_norm", "score_gradient_norm",
      ] {
        #expect(log.allSatisfy { $0[name] != nil }, "\(name)")
      }
    }
  }
}
