import Artifacts
import DD2Generator
import Foundation
import Sampling
import TeacherModels
import TensorCore
import TestModels
import TestSupport
import Testing

@testable import Distillation
@testable import Training

@Suite("Pairs of noise and tokens") struct PairTests {
  @Test func aCertainTokenIsReachedFromAnyNoise() {
    let codebook = Tensor([1, 0, 0, 1, -1, 0], [3, 2])
    let certain = Tensor([-1e9, 0, -1e9], [1, 1, 3])
    let noise = Tensor([2, -1], [1, 1, 2])
    let end = TokenPairs.integrate(noise, logProbabilities: certain, codebook_VD: codebook, steps: 8).elements
    #expect(abs(end[0]) < 1e-5 && abs(end[1] - 1) < 1e-5)
  }

  @Test func theFlowKeepsTheProbabilities() {
    // Two codes, the second three times as likely: as many of the noises must end there.
    let codebook = Tensor([-1, 1], [2, 1])
    let count = 4000
    let logP = Tensor((0..<count).flatMap { _ in [Float](arrayLiteral: -1.3862944, -0.2876821) }, [1, count, 2])
    let noise = Tensor.normal([1, count, 1], seed: 1, purpose: "flow")
    let ends = TokenPairs.integrate(noise, logProbabilities: logP, codebook_VD: codebook, steps: 32).elements
    let share = Double(ends.count { $0 > 0 }) / Double(count)
    #expect(abs(share - 0.75) < 0.025)
    // In one dimension the flow keeps the order of the noises: those above the quantile of 1/4 end at the second code.
    let threshold: Float = -0.6744898
    let clear = noise.elements.indices.filter { abs(noise.elements[$0] - threshold) > 0.05 }
    #expect(clear.count > 3800)
    #expect(clear.filter { (ends[$0] > 0) != (noise.elements[$0] > threshold) } == [])
  }

  @Test func interruptedPairsGoOn() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextScale.load(in: folder)
      var configuration = tinySettings(steps: 2)
      configuration.method = .dd1
      configuration.pairs = 250
      configuration.pairIntegrationSteps = 1
      try distill(configuration, teacher, folder + "/whole")
      let flag = InterruptFlag()
      #expect(throws: RunInterrupted.self) {
        try distill(configuration, teacher, folder + "/parts", interrupt: flag) { event in
          if case .step(stage: "pairs", completed: 100, total: 250, metrics: _) = event { flag.raise() }
        }
      }
      #expect(try TokenFile.read(folder + "/parts/pairs/pairs.h5", for: teacher.teacher).count == 100)
      try distill(configuration, teacher, folder + "/parts")
      for name in ["generator.h5", "pairs/pairs.h5"] {
        #expect(try bytes(folder + "/parts/" + name) == bytes(folder + "/whole/" + name), "\(name)")
      }
      #expect(try metrics(folder + "/parts/pairs").map { $0["step"] } == [100, 200, 250])
    }
  }

  /// One network learns what a chain draws: the pairs hold the chain's tokens of the same noise.
  @Test(arguments: TinyTeacher.allCases) func pairsComeFromAChain(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder)
      var configuration = tinySettings(steps: 2)
      configuration.parts = 1
      configuration.warmStartSteps = 2
      (configuration.chainParts, configuration.chainSteps, configuration.chainWarmStartSteps) = (2, 2, 1)
      configuration.pairs = 130
      configuration.pairIntegrationSteps = 1
      let single = try distill(configuration, teacher, folder + "/run")
      let chain = folder + "/run/chain/generator.h5"
      let drawn = try TokenFile.read(folder + "/run/pairs/pairs.h5", for: teacher.teacher)
      let noise = TokenPairs.noise(teacher: teacher.teacher, indices: Array(0..<130), seed: configuration.seed)
      let generator = try GeneratorFile.read(chain, teacher: teacher).generator
      #expect(generator.partCount == 2)
      let q_BLD = generator(noise_BLD: noise, labels: IndexTensor(drawn.labels))
      #expect(drawn.ids == teacher.teacher.codebook.nearest(q_BLD).array)
      #expect(drawn.ids != (try TokenFile.read(folder + "/run/chain/pairs/pairs.h5", for: teacher.teacher)).ids)
      #expect(try GeneratorFile.read(single, teacher: teacher).generator.partCount == 1)
      // What is lost of the chain is made again, to the same bytes, and the pairs are as they were.
      let before = try (bytes(chain), bytes(single), bytes(folder + "/run/pairs/pairs.h5"))
      try FileManager.default.removeItem(atPath: chain)
      try FileManager.default.removeItem(atPath: folder + "/run/checkpoints")
      try distill(configuration, teacher, folder + "/run")
      #expect(try (bytes(chain), bytes(single), bytes(folder + "/run/pairs/pairs.h5")) == before)
    }
  }

  /// Noise is not in the file: tokens of another seed's would be learned from the wrong one.
  @Test func pairsOfAnotherRunAreRefused() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextScale.load(in: folder)
      var configuration = tinySettings(steps: 1)
      configuration.method = .dd1
      configuration.pairs = 20
      configuration.pairIntegrationSteps = 1
      try distill(configuration, teacher, folder + "/first")
      func refusal(_ change: (inout DistillationConfiguration) -> Void, naming name: String) throws {
        var other = configuration
        change(&other)
        let target = folder + "/" + name
        try FileManager.default.createDirectory(atPath: target + "/pairs", withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: folder + "/first/pairs/pairs.h5", toPath: target + "/pairs/pairs.h5")
        do {
          try distill(other, teacher, target)
          Issue.record("pairs of another \(name) were taken")
        } catch let error as ArtifactError {
          #expect(error.description.contains("another \(name)"), "\(error)")
        }
      }
      try refusal({ $0.seed += 1 }, naming: "noise_seed")
      try refusal({ $0.guidance.cfg = 2 }, naming: "guidance")
      // Those of the teacher's flow where a chain draws them.
      try refusal(
        {
          ($0.method, $0.warmStartSteps, $0.chainWarmStartSteps) = (.dd2, 1, 0)
          ($0.chainParts, $0.chainSteps) = (2, 1)
        }, naming: "generator")
    }
  }
}
