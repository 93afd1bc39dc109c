import Artifacts
import DD2Generator
import DD2Teacher
import Datasets
import FIDEval
import NN
import Sampling
import TeacherModels
import TensorCore
import TestModels
import TestSupport
import Testing
import Training

@testable import Distillation

/// FID measured while a run goes on, and the generator that it is lowest for.
@Suite("FID during a run", .serialized) struct InRunFIDTests {
  private static let steps = 4

  private static func settings() -> DistillationConfiguration {
    var settings = tinySettings(steps: steps)
    settings.evaluationInterval = 1
    settings.evaluationCount = 12
    settings.checkpointInterval = 1
    settings.generatorLearningRate = 3e-3
    settings.guidance = Guidance(cfg: 1.5)
    return settings
  }

  /// Distance of mean colours from those of the first training images.
  private static func scorer() throws -> FIDScorer {
    let extractor = ColorExtractor()
    return FIDScorer(
      extractor: extractor, reference: try FIDScorer.statistics(of: FewImages(), extractor: extractor))
  }

  /// FID of a generator's weights on the noise of the run.
  private static func fid(
    _ weights: StateDict, _ teacher: TeacherFile.Loaded, _ settings: DistillationConfiguration
  ) throws -> Double {
    let generator = try StudentFactory(teacher: teacher.teacher, settings).generator()
    try generator.parameters.load(weights)
    let sampler = GeneratorSampler(generator: generator, teacher: teacher.teacher)
    return try scorer().fid(count: settings.evaluationCount) { range in
      try sampler.images(labels: range.map { Int32($0 % 10) }, seed: settings.seed, indices: Array(range))
    }
  }

  /// Runs to the end and keeps what was saved after every step.
  private static func watched(
    _ settings: DistillationConfiguration, _ teacher: TeacherFile.Loaded, _ folder: String
  ) throws -> [Int: Checkpoint] {
    var saved: [Int: Checkpoint] = [:]
    var completed = 0
    try distill(settings, teacher, folder, scorer: scorer()) { event in
      if case .step(stage: "distill", completed: let count, total: _, metrics: _) = event { completed = count }
      guard case .saved(let path) = event, path.hasPrefix(folder + "/checkpoints/") else { return }
      saved[completed] = try? Checkpoint.read(from: path, expectingKind: "distill-training")
    }
    return saved
  }

  @Test(arguments: TinyTeacher.allCases)
  func everyStepIsScoredAndTheBestAverageKept(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder, sharpness: 200)
      let settings = Self.settings()
      let saved = try Self.watched(settings, teacher, folder + "/run")
      #expect(saved.keys.sorted() == Array(1...Self.steps))
      let log = try metrics(folder + "/run")
      try #require(log.map { $0["step"] } == (0...Self.steps).map(Double.init))
      #expect(log.map { $0["teacher_fid"] != nil } == [true] + [Bool](repeating: false, count: Self.steps))
      #expect(log.map { $0["fid_raw"] != nil } == [false] + [Bool](repeating: true, count: Self.steps))
      let scores = try log.map { try #require($0["fid"]) }
      for (step, checkpoint) in saved {
        #expect(try Self.fid(StateDict(checkpoint.ema), teacher, settings) == scores[step])
        let raw = StateDict(checkpoint.parameters).removingPrefix("generator")
        #expect(try Self.fid(raw, teacher, settings) == log[step]["fid_raw"])
      }
      let step = try #require(scores.indices.min { scores[$0] < scores[$1] })
      try #require(step > 0 && step < Self.steps, "scores \(scores)")
      let best = try Checkpoint.read(from: folder + "/run/best.h5", expectingKind: GeneratorFile.kind)
      #expect(best.ema == saved[step]?.ema)
      #expect(best.metadata["step"] == String(step) && best.metadata["fid"] == String(scores[step]))
      #expect(
        try GeneratorFile.read(folder + "/run/best.h5", teacher: teacher).description.guidance == settings.guidance)
    }
  }

  /// Interrupted before and after its best step, a run keeps the same one.
  @Test(arguments: TinyTeacher.allCases, [1, 3])
  func aResumedRunKeepsTheSameBest(_ family: TinyTeacher, interruptedAfter last: Int) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder, sharpness: 200)
      let settings = Self.settings()
      try distill(settings, teacher, folder + "/whole", scorer: Self.scorer())
      let flag = InterruptFlag()
      #expect(throws: RunInterrupted.self) {
        try distill(settings, teacher, folder + "/parts", scorer: Self.scorer(), interrupt: flag) { event in
          if case .step(stage: "distill", completed: last, total: _, metrics: _) = event { flag.raise() }
        }
      }
      try distill(settings, teacher, folder + "/parts", scorer: Self.scorer())
      #expect(try bytes(folder + "/parts/best.h5") == bytes(folder + "/whole/best.h5"))
    }
  }
}
