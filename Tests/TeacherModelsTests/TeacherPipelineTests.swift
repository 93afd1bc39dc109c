import Artifacts
import DD2Teacher
import Foundation
import TensorCore
import TestModels
import TestSupport
import Testing
import Training

@testable import TeacherModels

private func settings(_ family: TinyTeacher) -> TeacherTrainingConfiguration {
  var configuration = TeacherTrainingConfiguration(
    teacher: family.configuration, tokenizerSteps: 6, transformerSteps: 5, seed: 3)
  configuration.perceptual.batch = 4
  configuration.tokenizer.batch = 4
  configuration.transformer.batch = 4
  return configuration
}

private func train(
  _ family: TinyTeacher, _ folder: String, interrupt: InterruptFlag = InterruptFlag(),
  observer: @escaping RunObserver = { _ in }
) throws -> String {
  try TeacherPipeline(
    settings(family), folder: folder, command: "test", interrupt: interrupt, observer: observer
  ).run(data: FewImages())
}

@Suite("Training of teachers", .serialized) struct TeacherPipelineTests {
  @Test(arguments: TinyTeacher.allCases) func trainsATeacherThatLoads(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let loaded = try TeacherFile.read(try train(family, folder))
      #expect(loaded.configuration == family.configuration)
      let metrics = try MetricLog.read(folder + "/transformer/metrics.jsonl")
      // The classifier starts at nearly equal probabilities of the twelve codes.
      #expect(abs((metrics.first?["cross_entropy"] ?? 0) - log(12)) < 0.05)
      let images = try FewImages().batch([0, 1]).images
      let ids = try loaded.teacher.encode(images_BhwC: images)
      #expect(ids.shape == [2, loaded.teacher.layout.count])
      #expect(try loaded.teacher.decode(ids_BL: ids).shape == images.shape)
    }
  }

  @Test(arguments: TinyTeacher.allCases, ["tokenizer", "transformer"])
  func aResumedTrainingEqualsAnUninterruptedOne(_ family: TinyTeacher, _ stage: String) throws {
    try withTemporaryFolder { folder in
      let whole = try train(family, folder + "/whole")
      let flag = InterruptFlag()
      #expect(throws: RunInterrupted.self) {
        try train(family, folder + "/parts", interrupt: flag) { event in
          if case .step(stage: stage, completed: 2, total: _, metrics: _) = event { flag.raise() }
        }
      }
      let parts = try train(family, folder + "/parts")
      #expect(try Data(contentsOf: URL(fileURLWithPath: parts)) == Data(contentsOf: URL(fileURLWithPath: whole)))
    }
  }

  @Test(arguments: [TeacherConfiguration.shapes32, .shapes32LlamaGen])
  func theBuiltInTeachersFitShapes32(_ configuration: TeacherConfiguration) throws {
    #expect(configuration.family.imageSide == 32)
    let json = try JSON.text(configuration)
    #expect(try JSON.decode(json, path: "test") as TeacherConfiguration == configuration)
    let other = configuration.family.replacing(classCount: 7)
    #expect(other != configuration)
    #expect(other.family.replacing(classCount: 10) == configuration)
  }

  @Test func theBuiltInLlamaGenTransformerHasAboutTwoMillionParameters() {
    func count<Family: TeacherFamily>(_ family: Family) -> Int {
      family.makeTransformer(over: family.makeTokenizer(seed: 0), seed: 0).parameters.count
    }
    #expect((1_800_000...2_000_000).contains(count(TeacherConfiguration.shapes32LlamaGen.family)))
  }
}
