import Backbone
import NN
import TensorCore
import TestSupport
import Testing

@testable import DD2Generator

@Suite("Parts") struct PartTests {
  private static let trunk = LlamaGenConfiguration(
    depth: 1, width: 32, heads: 2, classCount: 3, side: 3, latentDimension: 4, vocabulary: 8)
  private static let codes_VD = Tensor.normal([8, 4], seed: 1, purpose: "test.codes")
  private static let labels: IndexTensor = [0, 2]

  private static func generator(parts: Int) throws -> (OneStepGenerator, Codebook) {
    let codebook = Codebook(teacherVectors_VD: codes_VD)
    let generator = try OneStepGenerator(
      trunk: .nextToken(trunk), head: DenoisingHeadConfiguration(width: 16, depth: 1), codebook: codebook,
      mapState: LlamaGenConfiguration.mapState(codes_VD: codes_VD),
      adaptation: GeneratorAdaptation(noiseGain: 0.7, parts: parts), seed: 5)
    return (generator, codebook)
  }

  /// Weights of a network of stage 1, none of them zero.
  private static func stage1(like generator: OneStepGenerator) -> StateDict {
    let state = generator.parameters.stateDict().filter { $0.hasPrefix("trunk.") || $0.hasPrefix("head.") }
    return StateDict(
      Dictionary(
        uniqueKeysWithValues: state.names.map {
          ($0, Tensor.normal([1, state[$0]!.shape.count], seed: 7, purpose: $0).reshaped(state[$0]!.shape) * 0.3)
        }))
  }

  /// What one network of the weights `state` draws where it is shown the tokens `ids_BL` up to `start` and the noise after:
  /// the tokens are searched for among the codes, as any latents are.
  private static func expected(
    _ state: StateDict, ids_BL: IndexTensor, upTo start: Int, noise_BLD: Tensor
  ) throws -> DrawnTokens {
    let codebook = Codebook(teacherVectors_VD: codes_VD)
    let set = ParameterSet()
    let part = try GeneratorPart(
      ParameterBuilder(set, seed: 5), drawing: 0..<9, trunk: .nextToken(trunk),
      head: DenoisingHeadConfiguration(width: 16, depth: 1), codebook: codebook,
      mapState: LlamaGenConfiguration.mapState(codes_VD: codes_VD), noiseGain: 0.7)
    try set.load(state.merging(set.stateDict { path in GeneratorPart.addedPaths.contains { path.hasPrefix($0) } }))
    let shown_BLD = Tensor.concatenated(
      [codebook.latents(ids_BL).sliced(axis: 1, 0..<start), noise_BLD.sliced(axis: 1, start..<9)], axis: 1)
    return part(shown_BlD: shown_BLD, known_Bm: nil, noise_BlD: noise_BLD, labels: labels)
  }

  private static func close(_ a: Tensor, _ b: Tensor) -> Bool {
    a.shape == b.shape && zip(a.elements, b.elements).allSatisfy { abs($0 - $1) < 1e-5 }
  }

  /// With equal weights in every part, part p draws what the one network draws at its place when it is given the tokens
  /// of the parts before.
  @Test(arguments: [2, 3, 9])
  func aPartReadsTheCodesThatThePartsBeforeDrew(_ count: Int) throws {
    let (one, codebook) = try Self.generator(parts: 1)
    let (several, _) = try Self.generator(parts: count)
    let state = Self.stage1(like: one)
    try one.load(stage1: state)
    try several.load(stage1: state)
    let noise_BLD = one.noise(samples: [0, 1], seed: 3, purpose: "test")
    let drawn = several.draw(noise_BLD: noise_BLD, labels: Self.labels)
    for place in try one.layout.parts(count) {
      let expected = try Self.expected(
        state, ids_BL: codebook.nearest(drawn.latents_BLD), upTo: place.lowerBound, noise_BLD: noise_BLD)
      #expect(Self.close(drawn.latents_BLD.sliced(axis: 1, place), expected.latents_BLD.sliced(axis: 1, place)))
      #expect(Self.close(drawn.logits_BLV!.sliced(axis: 1, place), expected.logits_BLV!.sliced(axis: 1, place)))
    }
    let alone = one.draw(noise_BLD: noise_BLD, labels: Self.labels).latents_BLD
    #expect(!Self.close(drawn.latents_BLD, alone))
  }

  /// Tokens to read replace those drawn, before a part's own place alone.
  @Test func tokensToReadReplaceThoseOfThePartsBefore() throws {
    let (three, _) = try Self.generator(parts: 3)
    let (one, _) = try Self.generator(parts: 1)
    let state = Self.stage1(like: one)
    try three.load(stage1: state)
    let noise_BLD = three.noise(samples: [0, 1], seed: 3, purpose: "test")
    let tokens_BL = IndexTensor((0..<18).map { Int32($0 % 8) }, [2, 9])
    let drawn = three.draw(noise_BLD: noise_BLD, labels: Self.labels, reading: tokens_BL).latents_BLD
    for place in try one.layout.parts(3) {
      let expected = try Self.expected(state, ids_BL: tokens_BL, upTo: place.lowerBound, noise_BLD: noise_BLD)
        .latents_BLD
      #expect(Self.close(drawn.sliced(axis: 1, place), expected.sliced(axis: 1, place)))
    }
  }

  /// A part is trained by its own tokens: the gradient of a later part's does not reach it.
  @Test func theGradientStaysInItsPart() throws {
    let (two, _) = try Self.generator(parts: 2)
    try two.load(stage1: Self.stage1(like: two))
    let noise_BLD = two.noise(samples: [0, 1], seed: 3, purpose: "test")
    let places = try two.layout.parts(2)
    let names = ["trunk.layers.0.attention.wo.weight", "parts.1.trunk.layers.0.attention.wo.weight"]
    let weights = names.map { name in two.parameters.parameters.first { $0.path == name }!.value }
    for (index, place) in places.enumerated() {
      let drawn = two.draw(noise_BLD: noise_BLD, labels: Self.labels)
      let loss = drawn.latents_BLD.sliced(axis: 1, place).square().sum()
      let moved = loss.gradients(withRespectTo: weights).map { $0.elements.contains { abs($0) > 1e-4 } }
      #expect(moved == [index == 0, index == 1])
    }
  }
}
