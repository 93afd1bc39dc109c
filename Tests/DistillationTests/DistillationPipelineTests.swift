import Artifacts
import DD2Generator
import Datasets
import Foundation
import NN
import TensorCore
import Testing

@testable import Distillation

private func settings(steps: Int) -> DistillationConfiguration {
  var configuration = DistillationConfiguration(steps: steps)
  configuration.batch = 4
  configuration.trainingImages = 24
  configuration.stage1Steps = 3
  configuration.warmStart = .none
  configuration.head.width = 16
  configuration.head.depth = 1
  configuration.firstRounds = 1
  configuration.firstScoreUpdates = 2
  configuration.scoreUpdates = 1
  configuration.evaluationInterval = 0
  configuration.snapshotInterval = 100
  configuration.checkpointInterval = 2
  return configuration
}

@discardableResult
private func distill(
  _ configuration: DistillationConfiguration, _ teacher: TeacherFile.Loaded, _ folder: String,
  command: String = "test", interrupt: InterruptFlag = InterruptFlag(), observer: @escaping RunObserver = { _ in }
) throws -> String {
  try DistillationPipeline(
    configuration, teacher: teacher, scorer: nil, folder: folder, command: command, interrupt: interrupt,
    observer: observer)(data: FewImages())
}

private func metrics(_ folder: String) throws -> [[String: Double]] {
  try MetricLog.read(folder + "/metrics.jsonl")
}

private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

/// A stage whose step fails as told.
private final class FailingStage: TrainingStage {
  let name = "failing"
  let totalSteps = 3
  let fail: @Sendable (Int) throws -> [(String, Double)]

  init(fail: @escaping @Sendable (Int) throws -> [(String, Double)]) { self.fail = fail }

  func step(_ index: Int) throws -> [(String, Double)] { try fail(index) }
  func state() -> StageState {
    StageState(parameters: StateDict(), ema: StateDict(), optimizer: StateDict(), progress: [:])
  }
  func restore(_ state: StageState) throws {}
}

@Suite("Steps that are not finite") struct NonFiniteStepTests {
  @Test(arguments: [true, false])
  func stopTheRunWithStepAndName(_ inGradient: Bool) throws {
    try withTemporaryFolder { folder in
      let run = try OpenRun(folder + "/run", settings: settings(steps: 3), command: "test")
      let loop = RunLoop(run, checkpointInterval: 1, interrupt: InterruptFlag(), observer: { _ in })
      let stage = FailingStage { index in
        guard index == 1 else { return [("loss", 1)] }
        if inGradient { throw OptimizerError.nonFiniteGradient(path: "head.output.weight") }
        return [("loss", .nan)]
      }
      do {
        try loop(stage)
        Issue.record("the run went on")
      } catch let error as NonFiniteStep {
        #expect(error.step == 2)
        #expect(error.quantity == (inGradient ? "the gradient of head.output.weight" : "loss"))
      }
      // The step before it is safe.
      #expect(try run.directory.latestCheckpoint()?.step == 1)
      #expect(try metrics(folder + "/run").count == 1)
    }
  }
}

@Suite("Watched runs") struct HealthWatchTests {
  @Test func readsTheLogOfTheRunAndPassesEventsOn() throws {
    try withTemporaryFolder { folder in
      let run = try OpenRun(folder + "/run", settings: settings(steps: 3), command: "test").directory
      let log = try MetricLog(appendingTo: run.metricsPath)
      try log.append(step: 0, values: [("fid", 10)])
      var lines: [String] = []
      var steps = 0
      let watch = HealthWatch(run) { event in
        if case .warning(let line) = event { lines.append(line) }
        if case .step = event { steps += 1 }
      }
      watch(.step(stage: "distill", completed: 50, total: 60, metrics: [("fid", 11)]))
      #expect(steps == 1)
      #expect(lines.count == 1 && lines[0].contains("worse than 10.0"))
    }
  }
}

@Suite("Distillation runs", .serialized) struct DistillationPipelineTests {
  @Test(arguments: DistillationLoss.allCases, TinyTeacher.allCases)
  func equalSeedsGiveEqualFiles(_ loss: DistillationLoss, _ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder)
      var configuration = settings(steps: 3)
      configuration.loss = loss
      let first = try bytes(distill(configuration, teacher, folder + "/a"))
      #expect(try bytes(distill(configuration, teacher, folder + "/b")) == first)
      configuration.seed = 2
      #expect(try bytes(distill(configuration, teacher, folder + "/c")) != first)
    }
  }

  @Test(arguments: TinyTeacher.allCases)
  func aResumedRunEqualsAnUninterruptedOne(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder)
      let configuration = settings(steps: 5)
      try distill(configuration, teacher, folder + "/whole")
      let flag = InterruptFlag()
      #expect(throws: RunInterrupted.self) {
        try distill(configuration, teacher, folder + "/parts", interrupt: flag) { event in
          if case .step(stage: "distill", completed: 3, total: _, metrics: _) = event { flag.raise() }
        }
      }
      // A folder of pictures that someone removed comes back.
      try FileManager.default.removeItem(atPath: folder + "/parts/snapshots")
      // Files record the command that began the run.
      try distill(configuration, teacher, folder + "/parts", command: "test --resume")
      for name in ["generator.h5", "checkpoints/step-00000005.h5"] {
        #expect(try bytes(folder + "/parts/" + name) == bytes(folder + "/whole/" + name), "\(name)")
      }
      let (parts, whole) = (try metrics(folder + "/parts"), try metrics(folder + "/whole"))
      #expect(
        parts.map { $0.filter { !$0.key.hasSuffix("seconds") } }
          == whole.map { $0.filter { !$0.key.hasSuffix("seconds") } })
      let seconds = parts.compactMap { $0["seconds"] }
      #expect(seconds.count == 5 && seconds == seconds.sorted() && Set(seconds).count == 5)
    }
  }

  @Test(arguments: TinyTeacher.allCases)
  func warmStartFromPairsRunsAndResumes(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder)
      var configuration = settings(steps: 1)
      configuration.warmStart = .pairs
      configuration.pairs = 8
      configuration.pairIntegrationSteps = 2
      configuration.warmStartSteps = 3
      try distill(configuration, teacher, folder + "/run")
      let metrics = try MetricLog.read(folder + "/run/warm-start/metrics.jsonl")
      #expect(metrics.count == 3)
      #expect(metrics.allSatisfy { $0["regression"] ?? -1 > 0 })
    }
  }

  /// Making pairs has a log of its own: the regression must not count that time again.
  @Test func theTimeOfPreparationIsNotTrainingTime() throws {
    final class Stage: TrainingStage {
      let (name, totalSteps) = ("slow", 1)
      var prepared = 0
      func prepare() {
        prepared += 1
        Thread.sleep(forTimeInterval: 0.2)
      }
      func step(_ index: Int) -> [(String, Double)] { [("prepared", Double(prepared))] }
      func state() -> StageState { StageState(parameters: StateDict(), optimizer: StateDict(), progress: [:]) }
      func restore(_ state: StageState) {}
    }
    try withTemporaryFolder { folder in
      let stage = Stage()
      for _ in 0..<2 {
        let run = try OpenRun(folder + "/run", settings: 1, command: "test")
        try RunLoop(run, checkpointInterval: 1, interrupt: InterruptFlag(), observer: { _ in })(stage)
      }
      let line = try #require(try MetricLog.read(folder + "/run/metrics.jsonl").first)
      #expect(line["prepared"] == 1 && stage.prepared == 1)
      #expect(try #require(line["seconds"]) < 0.2)
    }
  }

  @Test func interruptedPairsGoOn() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextScale.load(in: folder)
      var configuration = settings(steps: 2)
      configuration.method = .dd1
      configuration.prefixShare = 0.5
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

  /// One network learns what a generator of several parts draws: the pairs hold that one's tokens of the same noise.
  @Test(arguments: TinyTeacher.allCases) func pairsComeFromAGenerator(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder)
      var configuration = settings(steps: 2)
      configuration.method = .dd1
      configuration.adaptation.parts = 2
      configuration.pairs = 130
      configuration.pairIntegrationSteps = 1
      let chain = try distill(configuration, teacher, folder + "/chain")
      configuration.adaptation.parts = 1
      configuration.pairsFile = RecordedFile(path: chain, hash: try WeightsManifest.sha256(ofFile: chain))
      let single = try distill(configuration, teacher, folder + "/single")
      let drawn = try TokenFile.read(folder + "/single/pairs/pairs.h5", for: teacher.teacher)
      let noise = TokenPairs.noise(teacher: teacher.teacher, count: 130, seed: configuration.seed, firstIndex: 0)
      let latents = try GeneratorFile.read(chain, teacher: teacher).generator(noise_BLD: noise, labels: drawn.labels)
      #expect(drawn.ids == teacher.teacher.codebook.nearest(latents))
      #expect(drawn.ids != (try TokenFile.read(folder + "/chain/pairs/pairs.h5", for: teacher.teacher)).ids)
      #expect(try GeneratorFile.read(single, teacher: teacher).generator.partCount == 1)
      // A file that has changed is refused while it is needed, and not looked at once the pairs are there.
      configuration.pairsFile?.hash = "0"
      #expect(throws: ArtifactError.self) { try distill(configuration, teacher, folder + "/changed") }
      try FileManager.default.removeItem(atPath: chain)
      try FileManager.default.removeItem(atPath: folder + "/single/checkpoints")
      configuration.pairsFile?.hash = "gone"
      #expect(throws: Never.self) { try distill(configuration, teacher, folder + "/single") }
    }
  }

  @Test(arguments: TinyTeacher.allCases) func regressionAloneMakesAGeneratorOfTwoSteps(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder)
      var configuration = settings(steps: 3)
      configuration.method = .dd1
      configuration.prefixShare = 0.5
      configuration.adaptation.parts = 1
      configuration.pairs = 8
      configuration.pairIntegrationSteps = 2
      let path = try distill(configuration, teacher, folder + "/run")
      #expect(!FileManager.default.fileExists(atPath: folder + "/run/stage1"))
      let loaded = try GeneratorFile.read(path, teacher: teacher)
      #expect(loaded.description.goesOn == true)
      // So short a training leaves all latents near one token: weights at random show what the second call does.
      let weights = loaded.generator.parameters.stateDict().entries
      try loaded.generator.parameters.load(
        StateDict(
          weights.mapValues { $0.shape.rank < 2 ? $0 : .normal($0.shape, seed: 3, purpose: "test.weights") * 0.3 }))
      let one = GeneratorSampler(generator: loaded.generator, teacher: teacher.teacher)
      let two = TwoStepSampler(generator: loaded.generator, teacher: teacher.teacher)
      let (L, kept) = (teacher.teacher.layout.count, teacher.teacher.layout.restart)
      let (first, second) = (
        one.tokens(labels: [0, 1], seed: 5, indices: [0, 1]), two.tokens(labels: [0, 1], seed: 5, indices: [0, 1])
      )
      for row in 0..<2 {
        #expect(first.values[(row * L)..<(row * L + kept)] == second.values[(row * L)..<(row * L + kept)])
      }
      #expect(first != second)
      #expect(two.tokens(labels: [1], seed: 5, indices: [1]).values[...] == second.values[L...])
    }
  }

  @Test func theBestGeneratorIsKept() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/best.h5"
      func best() -> BestGenerator {
        BestGenerator(path: path) { averaged, facts, path in
          var file = Checkpoint(kind: GeneratorFile.kind, config: "{}", createdBy: "test", metadata: facts)
          file.ema = averaged.arrays
          try file.write(to: path)
        }
      }
      func offer(_ best: BestGenerator, step: Int, fid: Double) throws {
        try best.offer(StateDict(["w": Tensor([Float(step)], [1])]), step: step, fid: fid)
      }
      func kept() throws -> [Float] {
        StateDict(try Checkpoint.read(from: path, expectingKind: GeneratorFile.kind).ema)["w"]?.elements ?? []
      }
      let first = best()
      try offer(first, step: 1, fid: 5.5)
      try offer(first, step: 2, fid: 6)
      #expect(try kept() == [1])
      try offer(first, step: 3, fid: 5)
      #expect(try kept() == [3])
      // Another session knows what the file holds.
      let second = best()
      try offer(second, step: 4, fid: 5.2)
      #expect(try kept() == [3])
      try offer(second, step: 5, fid: 4)
      #expect(try kept() == [5])
    }
  }

  @Test func steadyStateTakesNoMemoryFromTheSystem() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextScale.load(in: folder)
      var resident: [Int: Int] = [:]
      var configuration = settings(steps: 200)
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
      try distill(settings(steps: 2), teacher, folder + "/run")
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

@Suite("Files of teachers and generators") struct ModelFileTests {
  @Test func aGeneratorIsTiedToItsTeacher() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextScale.load(in: folder)
      let path = try distill(settings(steps: 1), teacher, folder + "/run")
      let loaded = try GeneratorFile.read(path, teacher: teacher)
      #expect(loaded.description.teacherHash == teacher.hash)
      let other = TeacherFile.Loaded(
        teacher: teacher.teacher, configuration: teacher.configuration, path: "other.h5", hash: "0")
      #expect(throws: ArtifactError.self) { try GeneratorFile.read(path, teacher: other) }
      #expect(throws: ArtifactError.self) { try TeacherFile.read(path) }
    }
  }

  @Test(arguments: TinyTeacher.allCases) func samplesDependOnSeedAndIndexAlone(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder)
      let path = try distill(settings(steps: 1), teacher, folder + "/run")
      let generator = try GeneratorFile.read(path, teacher: teacher).generator
      let samplers: [any ImageSampler] = [
        GeneratorSampler(generator: generator, teacher: teacher.teacher),
        TeacherSampler(teacher: teacher.teacher, guidance: .init(cfg: 1.5, topK: 8, topP: 0.9)),
        IndependentSampler(
          teacher: teacher.teacher,
          tokens: try TokenSet.encode(FewImages()) { teacher.teacher.encode(images_BhwC: $0) }),
      ]
      for sampler in samplers {
        let together = sampler.images(labels: [0, 1, 2, 3], seed: 7, indices: [0, 1, 2, 3])
        let alone = sampler.images(labels: [2], seed: 7, indices: [2])
        #expect(alone.shape == [1, 32, 32, 3])
        let difference = zip(together.sliced(axis: 0, 2..<3).elements, alone.elements).map { abs($0 - $1) }.max()
        #expect((difference ?? 1) < 1e-4)
      }
    }
  }
}

@Suite("Seeds") struct SeedTests {
  @Test func teacherAndNoiseFollowTheSeed() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextScale.load(in: folder).teacher
      func ids(_ seed: UInt64) -> IndexTensor {
        teacher.sample(labels: [0, 1], guidance: .init(), seed: seed, indices: [0, 1])
      }
      #expect(ids(1) == ids(1))
      #expect(ids(1) != ids(2))
      let generator = try StudentFactory(teacher: teacher, head: .init(width: 8, depth: 1), seed: 0).generator()
      func noise(_ seed: UInt64) -> [Float] { generator.noise(count: 2, seed: seed, purpose: "test").elements }
      #expect(noise(1) == noise(1))
      #expect(noise(1) != noise(2))
    }
  }
}

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
  }
}
