import Artifacts
import DD2Teacher
import Datasets
import Foundation
import TensorCore
import TestModels
import TestSupport
import Testing
import Training

@testable import TeacherModels

@Suite("Training on tokens", .serialized) struct TrainingTokensTests {
  /// The first images as a teacher's tokens in a file, of classes 0 to 2 alone.
  private func write(
    _ teacher: any Teacher, to path: String, labels: [Int32]? = nil, classes: ClassMapping? = nil
  ) throws -> TokenSet {
    let images = try FewImages().batch(Array(0..<24)).images
    let labels = labels ?? (0..<24).map { Int32($0 % 3) }
    let tokens = TokenSet(ids: try teacher.encode(images_BhwC: images).array, labels: labels)
    let writer = try HDF5Writer(path: path)
    try TokenFile.write(tokens, to: writer)
    if let classes { try writer.setAttribute("classes", .string(try JSON.text(classes))) }
    try writer.finish()
    return tokens
  }

  private func settings(_ tokens: TrainingTokens, width: Int = 64) -> TeacherTrainingConfiguration {
    let teacher = tokens.tokenizer.configuration
    var sizes = TrainingSizes(of: teacher)
    (sizes.width, sizes.depth) = (width, 2)
    var settings = TeacherTrainingConfiguration(
      teacher: sizes.configuration(over: teacher, classCount: tokens.classCount), tokens: tokens.record,
      transformerSteps: 5, seed: 3)
    settings.transformer.batch = 4
    return settings
  }

  private func train(
    _ tokens: TrainingTokens, _ folder: String, interrupt: InterruptFlag = InterruptFlag(),
    observer: @escaping RunObserver = { _ in }
  ) throws -> String {
    try TeacherPipeline(
      settings(tokens), folder: folder, command: "test", interrupt: interrupt, observer: observer
    ).run(tokens: tokens)
  }

  @Test(arguments: TinyTeacher.allCases) func givesATeacherOverTheSameTokenizer(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let encoder = try family.load(in: folder)
      let classes = ClassMapping.folders(numbers: ["a": 0, "b": 1, "c": 2])
      _ = try write(encoder.teacher, to: folder + "/tokens.h5", classes: classes)
      let tokens = try TrainingTokens(folder + "/tokens.h5", tokenizer: encoder, named: "tiny")
      let path = try train(tokens, folder + "/run")
      let loaded = try TeacherFile.read(path)
      #expect(TrainingSizes(of: loaded.configuration).width == 64 && loaded.teacher.classCount == 3)
      #expect(loaded.trainingClasses == classes && loaded.trainingData == folder + "/tokens.h5")
      let (before, after) = try (
        Checkpoint.read(from: encoder.path).parameters, Checkpoint.read(from: path).parameters
      )
      let changed = before.filter { $0.key.hasPrefix("tokenizer.") && after[$0.key] != $0.value }
      #expect(changed.keys.sorted() == [])
      #expect(try FileAccess.names(in: folder + "/run").sorted() == ["teacher.h5", "transformer"])
      #expect(FileAccess.exists(folder + "/run/transformer/snapshots/step-00000005.png"))
      #expect(try TeacherPipeline.recorded(in: folder + "/run") == settings(tokens))
      // The tokens are what it learns: their first loss is that of the classifier on them.
      let log = try MetricLog.read(folder + "/run/transformer/metrics.jsonl")
      #expect(abs((log.first?["cross_entropy"] ?? 0) - Foundation.log(12)) < 0.05)
    }
  }

  @Test func aResumedTrainingEqualsAnUninterruptedOne() throws {
    try withTemporaryFolder { folder in
      let encoder = try TinyTeacher.nextScale.load(in: folder)
      _ = try write(encoder.teacher, to: folder + "/tokens.h5")
      let tokens = try TrainingTokens(folder + "/tokens.h5", tokenizer: encoder, named: "tiny")
      let whole = try train(tokens, folder + "/whole")
      let flag = InterruptFlag()
      #expect(throws: RunInterrupted.self) {
        try train(tokens, folder + "/parts", interrupt: flag) { event in
          if case .step(stage: "transformer", completed: 2, total: _, metrics: _) = event { flag.raise() }
        }
      }
      let parts = try train(tokens, folder + "/parts")
      #expect(try FileAccess.contents(of: parts) == FileAccess.contents(of: whole))
    }
  }

  /// Those of the tokens, or more where the file names more.
  @Test func classesAreCounted() throws {
    try withTemporaryFolder { folder in
      let encoder = try TinyTeacher.nextToken.load(in: folder)
      let path = folder + "/tokens.h5"
      func count(_ labels: [Int32], _ classes: ClassMapping?) throws -> Int {
        _ = try write(encoder.teacher, to: path, labels: labels, classes: classes)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try TrainingTokens(path, tokenizer: encoder, named: "tiny").classCount
      }
      let labels = [Int32](repeating: 1, count: 23) + [4]
      #expect(try count(labels, nil) == 5)
      #expect(try count(labels, .fileNames) == 5)
      #expect(try count(labels, .folders(numbers: ["a": 7, "b": 1])) == 8)
      #expect(try count(labels, .folders(numbers: ["b": 1])) == 5)
      #expect(try count([Int32](repeating: 0, count: 24), .single) == 1)
      for bad in [-1, Int.max, 1 << 20] {
        #expect(
          throws: ArtifactError.wrongFormat(
            path: path, detail: "\(bad) is no class's number in its attribute classes")
        ) { try count(labels, .folders(numbers: ["a": bad])) }
      }
    }
  }
}
