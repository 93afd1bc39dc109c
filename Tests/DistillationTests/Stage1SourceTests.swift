import Artifacts
import Datasets
import DD2Teacher
import NN
import Sampling
import TeacherModels
import TestModels
import TestSupport
import Testing

@testable import Distillation
@testable import Training

@Suite("What stage 1 learns from") struct Stage1SourceTests {
  private static func weights(_ path: String) throws -> Checkpoint.Arrays { try Checkpoint.read(from: path).ema }

  /// Tokens that were made before are those of the images, so the generator is the same.
  @Test(arguments: TinyTeacher.allCases) func tokensStandForTheirImages(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder)
      var encoding = try TokenEncoding(
        FewImages(), data: "few", record: nil, teacher: teacher, output: folder + "/tokens.h5")
      try encoding.run { _ in }
      var settings = tinySettings(steps: 1)
      // Fewer than there are: the same ones must be taken.
      settings.trainingImages = 10
      let images = try distill(settings, teacher, folder + "/images")
      let file = try RecordedFile(at: folder + "/tokens.h5")
      let tokens = try distill(settings, teacher, folder + "/tokens", from: .tokens(file))
      #expect(try !Self.weights(images).isEmpty && Self.weights(images) == Self.weights(tokens))
      try FileAccess.rename(folder + "/teacher.h5", to: folder + "/tokens.h5")
      let error = artifactError { _ = try distill(settings, teacher, folder + "/again", from: .tokens(file)) }
      #expect(error?.description.contains("has changed since the run began with it") == true, "\(error as Any)")
    }
  }

  @Test(arguments: TinyTeacher.allCases) func theTeacherDrawsWhatUpdatesSee(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder, sharpness: 100)
      var settings = tinySettings(steps: 1)
      settings.data = DistillationConfiguration.ownSequences
      settings.guidance = family.guidance
      settings.trainingImages = 250
      (settings.stage1Steps, settings.batch) = (30, 4)
      let whole = try distill(settings, teacher, folder + "/whole", from: .teacher)
      let path = "/sequences/sequences.h5"
      let drawn = try TokenFile.read(folder + "/whole" + path, for: teacher.teacher)
      // 30 updates of 4 sequences, each seen once.
      #expect(drawn.count == 120 && drawn.labels == (0..<120).map { Int32($0 % 10) })
      let direct = try teacher.teacher.sample(
        labels: [7, 8], guidance: settings.guidance, seed: settings.seed, indices: [117, 118],
        purpose: "stage1.sequences")
      #expect(drawn.batch([117, 118]).ids.array == direct.array)
      // Interrupted while it draws, and again in stage 1: nothing is drawn twice.
      let flag = InterruptFlag()
      #expect(throws: RunInterrupted.self) {
        try distill(settings, teacher, folder + "/parts", from: .teacher, interrupt: flag) { event in
          if case .step(stage: "sequences", completed: 100, total: 120, metrics: _) = event { flag.raise() }
        }
      }
      #expect(try TokenFile.read(folder + "/parts" + path, for: teacher.teacher).count == 100)
      var stages: [String] = []
      let parts = try distill(settings, teacher, folder + "/parts", from: .teacher) { event in
        if case .step(let stage, _, _, _) = event { stages.append(stage) }
      }
      #expect(stages.count { $0 == "sequences" } == 1)
      #expect(try metrics(folder + "/parts/sequences").map { $0["step"] } == [100, 120])
      #expect(try bytes(folder + "/parts" + path) == bytes(folder + "/whole" + path))
      #expect(try Self.weights(parts) == Self.weights(whole))
    }
  }

  @Test func thePlanHasTheTeachersSequences() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextScale.load(in: folder).teacher
      var settings = tinySettings(steps: 5)
      #expect(DistillationPlan(settings, teacher: teacher).stages.map(\.name) == ["stage1", "distill"])
      settings.data = DistillationConfiguration.ownSequences
      let stages = DistillationPlan(settings, teacher: teacher).stages
      #expect(stages.map(\.name) == ["sequences", "stage1", "distill"] && stages[0].steps == 12 && stages[0].cost > 0)
      settings.method = .dd1
      #expect(DistillationPlan(settings, teacher: teacher).stages.map(\.name) == ["pairs", "dd1"])
    }
  }
}
