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
@testable import TeacherModels

@Suite("Files of teachers and generators") struct ModelFileTests {
  @Test func aGeneratorIsTiedToItsTeacher() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextScale.load(in: folder)
      let path = try distill(tinySettings(steps: 1), teacher, folder + "/run")
      let loaded = try GeneratorFile.read(path, teacher: teacher)
      #expect(loaded.description.teacherHash == teacher.hash)
      let other = TeacherFile.Loaded(
        teacher: teacher.teacher, configuration: teacher.configuration, path: "other.h5", hash: "0")
      #expect(throws: ArtifactError.self) { try GeneratorFile.read(path, teacher: other) }
      #expect(throws: ArtifactError.self) { try TeacherFile.read(path) }
    }
  }

  /// NaN weights would draw images of token 0 without a word.
  @Test func weightsThatAreNotFiniteAreRefused() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextToken.load(in: folder)
      let path = try distill(tinySettings(steps: 1), teacher, folder + "/run")
      var generator = try Checkpoint.read(from: path, expectingKind: GeneratorFile.kind)
      let name = try #require(generator.ema.keys.min())
      generator.ema[name] = Self.spoiled(try #require(generator.ema[name]), with: .nan)
      try generator.write(to: folder + "/nan.h5")
      Self.expectRefusal(naming: name) { _ = try GeneratorFile.read(folder + "/nan.h5", teacher: teacher) }
      var file = try Checkpoint.read(from: teacher.path, expectingKind: TeacherFile.kind)
      let last = try #require(file.parameters.keys.max())
      file.parameters[last] = Self.spoiled(try #require(file.parameters[last]), with: .infinity)
      try file.write(to: folder + "/infinite.h5")
      Self.expectRefusal(naming: last) { _ = try TeacherFile.read(folder + "/infinite.h5") }
    }
  }

  private static func spoiled(_ array: HostArray, with value: Float) -> HostArray {
    var floats = array.floats
    floats[floats.count - 1] = value
    return HostArray(shape: array.shape, floats)
  }

  private static func expectRefusal(naming name: String, _ body: () throws -> Void) {
    do {
      try body()
      Issue.record("\(name) was taken")
    } catch {
      #expect("\(error)".contains("\(name) holds numbers that are not finite"), "\(error)")
    }
  }

  @Test(arguments: TinyTeacher.allCases) func samplesDependOnSeedAndIndexAlone(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder)
      let path = try distill(tinySettings(steps: 1), teacher, folder + "/run")
      let generator = try GeneratorFile.read(path, teacher: teacher).generator
      let samplers: [any ImageSampler] = [
        GeneratorSampler(generator: generator, teacher: teacher.teacher),
        TeacherSampler(teacher: teacher.teacher, guidance: .init(cfg: 1.5, topK: 8, topP: 0.9)),
        IndependentSampler(
          teacher: teacher.teacher,
          tokens: try TokenSet.encode(FewImages(), batch: 100) { try teacher.teacher.encode(images_BhwC: $0) }),
      ]
      for sampler in samplers {
        let together = try sampler.images(labels: [0, 1, 2, 3], seed: 7, indices: [0, 1, 2, 3])
        let alone = try sampler.images(labels: [2], seed: 7, indices: [2])
        #expect(alone.shape == [1, 32, 32, 3])
        let difference = zip(together.sliced(axis: 0, 2..<3).elements, alone.elements).map { abs($0 - $1) }.max()
        #expect((difference ?? 1) < 1e-4)
      }
    }
  }

  @Test func theBestGeneratorIsKept() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/best.h5"
      func best() throws -> BestGenerator {
        try BestGenerator(path: path) { averaged, facts, path in
          try Checkpoint(kind: GeneratorFile.kind, config: "{}", createdBy: "test", metadata: facts)
            .write(to: path, adding: ["ema": averaged])
        }
      }
      func offer(_ best: BestGenerator, step: Int, fid: Double) throws {
        try best.offer(StateDict(["w": Tensor([Float(step)], [1])]), step: step, fid: fid)
      }
      func kept() throws -> [Float] {
        StateDict(try Checkpoint.read(from: path, expectingKind: GeneratorFile.kind).ema)["w"]?.elements ?? []
      }
      let first = try best()
      try offer(first, step: 1, fid: 5.5)
      try offer(first, step: 2, fid: 6)
      #expect(try kept() == [1])
      try offer(first, step: 3, fid: 5)
      #expect(try kept() == [3])
      // Another session knows what the file holds.
      let second = try best()
      try offer(second, step: 4, fid: 5.2)
      #expect(try kept() == [3])
      try offer(second, step: 5, fid: 4)
      #expect(try kept() == [5])
      // What cannot be read must not be replaced by something worse.
      try Data("damaged".utf8).write(to: URL(fileURLWithPath: path))
      #expect(throws: ArtifactError.self) { try best() }
    }
  }
}

@Suite("Seeds") struct SeedTests {
  @Test func teacherAndNoiseFollowTheSeed() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextScale.load(in: folder).teacher
      func ids(_ seed: UInt64) throws -> [Int32] {
        try teacher.sample(labels: [0, 1], guidance: .init(), seed: seed, indices: [0, 1]).values
      }
      #expect(try ids(1) == ids(1))
      #expect(try ids(1) != ids(2))
      let generator = try StudentFactory(teacher: teacher, head: .init(width: 8, depth: 1), seed: 0).generator()
      func noise(_ seed: UInt64) -> [Float] { generator.noise(samples: [0, 1], seed: seed, purpose: "test").elements }
      #expect(noise(1) == noise(1))
      #expect(noise(1) != noise(2))
    }
  }
}
