import Artifacts
import Backbone
import DD2Teacher
import Foundation
import NN
import Sampling
import TeacherModels
import TensorCore
import TestModels
import TestSupport
import Testing

@testable import FIDEval

/// Drawing, decoding, encoding and scoring, recorded.
@Suite("Sampling steps are programs") struct SamplingStepTests {
  /// Runs `body` as it is and on the recording backend.
  /// - Parameter programs: different programs that its steps may need.
  private func check<Result: Equatable>(programs: Int, _ body: () throws -> Result) throws {
    let expected = try body()
    let backend = RecordingBackend()
    let found = try Backends.$override.withValue(backend) { try body() }
    #expect(found == expected)
    #expect(backend.copiesInsideSteps == 0 && backend.steps > 0)
    #expect(backend.programCount <= programs, "\(backend.programCount) programs in \(backend.steps) steps")
  }

  /// VAR's stages differ in shape; LlamaGen's, but for the first, are one program at any position.
  @Test(arguments: TinyTeacher.allCases) func ofTheTeacher(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let guidance = Guidance(cfg: family.guidance.cfg, temperature: 0.9, topK: 8, topP: 0.9)
      try check(programs: family == .nextScale ? 3 : 2) {
        let teacher = try family.load(in: folder, sharpness: 100).teacher
        return try teacher.sample(labels: [0, 3, 9], guidance: guidance, seed: 2, indices: [4, 7, 5]).array
      }
    }
  }

  @Test(arguments: TinyTeacher.allCases) func ofTheGeneratorAndItsImages(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      try check(programs: 2) {
        let sampler = try TinyStudent.sampler(family, folder)
        return try (0..<3).map { try sampler.images(labels: [1, 2], seed: 3, indices: [2 * $0, 2 * $0 + 1]).elements }
      }
    }
  }

  @Test(arguments: TinyTeacher.allCases) func ofCorrections(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      try check(programs: 4) {
        let sampler = try FewStepSampler(
          generator: try TinyStudent.sampler(family, folder, sharpness: 100), guidance: Guidance(), calls: 3,
          correction: .unlikelyTokens)
        return try sampler.tokens(labels: [1, 2], seed: 3, indices: [0, 1]).array
      }
    }
  }

  @Test(arguments: TinyTeacher.allCases) func ofEncoding(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      try check(programs: 1) {
        let teacher = try family.load(in: folder).teacher
        return try (0..<3).map { try teacher.encode(images_BhwC: FewImages().batch([$0, $0 + 4]).images).array }
      }
    }
  }

  @Test func ofFeatures() throws {
    try check(programs: 1) {
      let network = ShapesFeatureNet(ParameterBuilder(ParameterSet(), seed: 1), ShapesFeatureNetConfiguration())
      let extractor = ShapesFeatureExtractor(network, weightsHash: "")
      return try (0..<3).map { try extractor.features(of: FewImages().batch([$0, $0 + 4]).images).elements }
    }
  }

  /// Inception-V3 in slices of a batch, with synthetic weights.
  @Test func ofInception() throws {
    let keys = try Data(contentsOf: URL(fileURLWithPath: Goldens.path("golden-inception-keys.json")))
    let shapes = try JSONDecoder().decode([String: [Int]].self, from: keys)
    try check(programs: 1) {
      let arrays = InceptionArrays(path: "inception.pth", shapes: shapes) { name in
        let shape = shapes[name] ?? []
        return name.hasSuffix("num_batches_tracked")
          ? HostArray(shape: shape, [0] as [Int64])
          : HostArray(shape: shape, SyntheticWeights.values("inception." + name, Shape(shape), gain: 1.4))
      }
      let weights = InceptionWeights(hash: "synthetic", network: try arrays.network())
      let network = InceptionV3(weights: weights, protocol: .pytorchFID)
      let outputs = network.outputs([.pooled, .spatial, .logits], of: try FewImages().batch([0, 1, 2, 3]).images)
      return [outputs.pooled_BF, outputs.spatial_BS, outputs.logits_BC].map { $0?.elements }
    }
  }
}
