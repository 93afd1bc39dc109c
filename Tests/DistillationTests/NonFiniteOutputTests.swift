import Backbone
import DD2Teacher
import NN
import TensorCore
import TestModels
import TestSupport
import Testing

@testable import Distillation
@testable import Sampling

/// Weights that are finite, but too large: what they give overflows.
@Suite("Outputs that are not finite") struct NonFiniteOutputTests {
  private static let labels: [Int32] = [0, 1]
  private static let indices = [0, 1]

  /// Makes weights of two or more dimensions so large that sums of a few overflow.
  private static func overload(_ parameters: ParameterSet, _ isMeant: (String) -> Bool = { _ in true }) throws {
    let state = parameters.stateDict()
    try parameters.load(
      StateDict(
        Dictionary(
          uniqueKeysWithValues: state.entries.map { path, value in
            (
              path,
              value.shape.rank > 1 && isMeant(path)
                ? Tensor(value.elements.map { $0 < 0 ? -3e38 : 3e38 }, value.shape) : value
            )
          })))
    #expect(parameters.values.allSatisfy { $0.isFinite })
  }

  /// All weights of a teacher's two networks; changed in place.
  private static func networks(
    of teacher: any DD2Teacher.Teacher
  ) throws -> (transformer: ParameterSet, tokenizer: ParameterSet) {
    if let teacher = teacher as? VARTeacher { return (teacher.transformer.parameters, teacher.tokenizer.parameters) }
    let teacher = try #require(teacher as? LlamaGenTeacher)
    return (teacher.transformer.parameters, teacher.tokenizer.parameters)
  }

  @Test(arguments: TinyTeacher.allCases) func ofTheTransformerDrawNoTokens(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder).teacher
      try Self.overload(Self.networks(of: teacher).transformer) { ["head.weight", "output.weight"].contains($0) }
      let expected = NonFiniteOutput(network: "teacher's transformer")
      for guidance in [Guidance(), family.guidance, Guidance(topK: 3)] {
        #expect(throws: expected) {
          try teacher.sample(labels: IndexTensor(Self.labels), guidance: guidance, seed: 1, indices: Self.indices)
        }
        #expect(throws: expected) { try teacher.sampleGreedily(labels: IndexTensor(Self.labels), guidance: guidance) }
        #expect(throws: expected) {
          try TokenPairs.collect(teacher: teacher, guidance: guidance, indices: 0..<2, steps: 2, seed: 1)
        }
      }
      let ids_BL = IndexTensor([Int32](repeating: 1, count: 2 * teacher.layout.count), [2, teacher.layout.count])
      #expect(throws: expected) {
        try teacher.redrawingUnlikely(
          ids_BL: ids_BL, labels: IndexTensor(Self.labels), guidance: Guidance(), tolerance: 1, seed: 1, step: 1,
          indices: Self.indices)
      }
    }
  }

  /// Logits of about 1e36 are finite, and what a low temperature makes of them is not.
  @Test(arguments: TinyTeacher.allCases) func ofALowTemperatureDrawNoTokens(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder, sharpness: 1e38).teacher
      func draw(_ guidance: Guidance) throws {
        _ = try teacher.sample(labels: IndexTensor(Self.labels), guidance: guidance, seed: 1, indices: Self.indices)
      }
      #expect(throws: Never.self) { try draw(Guidance()) }
      #expect(throws: NonFiniteOutput(network: "teacher's transformer")) { try draw(Guidance(temperature: 0.001)) }
    }
  }

  @Test(arguments: TinyTeacher.allCases) func ofTheGeneratorDrawNoTokens(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let sampler = try TinyStudent.sampler(family, folder)
      let (generator, teacher) = (sampler.generator, sampler.teacher)
      #expect(throws: Never.self) { try sampler.tokens(labels: Self.labels, seed: 1, indices: Self.indices) }
      try Self.overload(generator.parameters)
      let expected = NonFiniteOutput(network: "generator")
      #expect(throws: expected) { try sampler.tokens(labels: Self.labels, seed: 1, indices: Self.indices) }
      #expect(throws: expected) {
        try TokenPairs.collect(generator: generator, teacher: teacher, indices: 0..<2, seed: 1)
      }
    }
  }

  @Test(arguments: TinyTeacher.allCases) func ofTheTokenizerAreNeitherTokensNorImages(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder).teacher
      let images = Tensor.uniform([2, 32, 32, 3], low: -1, high: 1, seed: 1, purpose: "test.images")
      let ids_BL = try teacher.encode(images_BhwC: images)
      let parameters = try Self.networks(of: teacher).tokenizer
      let state = parameters.stateDict()
      try Self.overload(parameters) { $0.hasPrefix("decoder.") }
      #expect(try teacher.encode(images_BhwC: images).array == ids_BL.array)
      #expect(throws: NonFiniteOutput(network: "tokenizer's decoder")) { try teacher.decode(ids_BL: ids_BL) }
      #expect(throws: NonFiniteOutput(network: "tokenizer's decoder")) { try teacher.decodeInSlices(ids_BL: ids_BL) }
      try parameters.load(state)
      try Self.overload(parameters) { $0.hasPrefix("encoder.") }
      #expect(throws: NonFiniteOutput(network: "tokenizer's encoder")) { try teacher.encode(images_BhwC: images) }
      #expect(try teacher.decode(ids_BL: ids_BL).isFinite)
    }
  }
}
