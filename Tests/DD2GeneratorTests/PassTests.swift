import Backbone
import DD2Generator
import NN
import TensorCore
import Testing

@Suite("Passes") struct PassTests {
  private static let trunk = LlamaGenConfiguration(
    depth: 1, width: 32, heads: 2, classCount: 3, side: 3, latentDimension: 4, vocabulary: 8)
  private static let codes_VD = Tensor.normal([8, 4], seed: 1, purpose: "test.codes")
  private static let labels: [Int32] = [0, 2]

  private static func generator(passes: Int) throws -> (OneStepGenerator, Codebook) {
    let codebook = Codebook(teacherVectors_VD: codes_VD)
    let generator = try OneStepGenerator(
      trunk: .nextToken(trunk), head: DenoisingHeadConfiguration(width: 16, depth: 1), codebook: codebook,
      mapState: LlamaGenConfiguration.mapState(codes_VD: codes_VD),
      adaptation: GeneratorAdaptation(noiseGain: 0.7, passes: passes), seed: 5)
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

  /// With equal weights in every pass, a second pass is the same network shown the first one's snapped tokens.
  @Test func aPassReadsTheCodesThatTheOneBeforeDrew() throws {
    let (one, codebook) = try Self.generator(passes: 1)
    let (three, _) = try Self.generator(passes: 3)
    let state = Self.stage1(like: one)
    try one.load(stage1: state)
    try three.load(stage1: state)
    let noise_BLD = one.noise(count: 2, seed: 3, purpose: "test")
    let drafts = three.drafts(noise_BLD: noise_BLD, labels: Self.labels)
    #expect(drafts.count == 3)
    var expected = one.draw(noise_BLD: noise_BLD, labels: Self.labels)
    let all_BL = Tensor([Float](repeating: 1, count: 18), [2, 9])
    for (index, draft) in drafts.enumerated() {
      if index > 0 {
        expected = one.draw(
          noise_BLD: noise_BLD, labels: Self.labels, given: (all_BL, codebook.snapped(expected.latents_BLD)))
      }
      let pairs = [(draft.latents_BLD, expected.latents_BLD), (draft.logits_BLV!, expected.logits_BLV!)]
      for (actual, wanted) in pairs {
        #expect(zip(actual.elements, wanted.elements).allSatisfy { abs($0 - $1) < 1e-5 })
      }
    }
    let moved = zip(drafts[0].latents_BLD.elements, drafts[1].latents_BLD.elements).contains { abs($0 - $1) > 1e-2 }
    #expect(moved)
    let drawn = three.draw(noise_BLD: noise_BLD, labels: Self.labels).latents_BLD.elements
    #expect(drawn == drafts[2].latents_BLD.elements)
  }

  /// Given tokens stay what every pass reads.
  @Test func givenTokensReachEveryPass() throws {
    let (two, codebook) = try Self.generator(passes: 2)
    try two.load(stage1: Self.stage1(like: two))
    let noise_BLD = two.noise(count: 2, seed: 3, purpose: "test")
    let all_BL = Tensor([Float](repeating: 1, count: 18), [2, 9])
    let tokens_BLD = codebook.latents(IndexTensor((0..<18).map { Int32($0 % 8) }, [2, 9]))
    let drafts = two.drafts(noise_BLD: noise_BLD, labels: Self.labels, given: (all_BL, tokens_BLD))
    #expect(zip(drafts[0].latents_BLD.elements, drafts[1].latents_BLD.elements).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  /// The last pass's tokens train the first one: snapping does not stop the gradient.
  @Test func theGradientGoesThroughSnappedTokens() throws {
    let (two, _) = try Self.generator(passes: 2)
    try two.load(stage1: Self.stage1(like: two))
    let noise_BLD = two.noise(count: 2, seed: 3, purpose: "test")
    let loss = two.draw(noise_BLD: noise_BLD, labels: Self.labels).latents_BLD.square().sum()
    let names = ["trunk.layers.0.attention.wo.weight", "passes.1.trunk.layers.0.attention.wo.weight"]
    let weights = names.map { name in two.parameters.parameters.first { $0.path == name }!.value }
    for (name, gradient) in zip(names, loss.gradients(withRespectTo: weights)) {
      #expect(gradient.elements.contains { abs($0) > 1e-4 }, "\(name)")
    }
  }
}
