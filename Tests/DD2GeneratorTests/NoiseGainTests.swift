import Backbone
import DD2Generator
import NN
import TensorCore
import TestSupport
import Testing

@Suite("Noise gain") struct NoiseGainTests {
  private static let trunk = LlamaGenConfiguration(
    depth: 1, width: 32, heads: 2, classCount: 3, side: 3, latentDimension: 4, vocabulary: 8)
  private static let codes_VD = Tensor.normal([8, 4], seed: 1, purpose: "test.codes")

  private static func generator(
    gain: Float, estimate: DenoisingEstimate = .posterior
  ) throws -> (OneStepGenerator, Codebook) {
    let codebook = Codebook(teacherVectors_VD: codes_VD)
    let generator = try OneStepGenerator(
      trunk: .nextToken(trunk), head: DenoisingHeadConfiguration(estimate: estimate, width: 16, depth: 1),
      codebook: codebook, mapState: LlamaGenConfiguration.mapState(codes_VD: codes_VD),
      adaptation: GeneratorAdaptation(noiseGain: gain), seed: 5)
    return (generator, codebook)
  }

  @Test func addsTheProductOfNoiseAndCodeToEveryLogit() throws {
    let (plain, codebook) = try Self.generator(gain: 0)
    let (gained, _) = try Self.generator(gain: 0.7)
    #expect(gained.parameters.count == plain.parameters.count + 33)
    let noise_BLD = plain.noise(samples: [0, 1], seed: 3, purpose: "test")
    let before = try #require(plain.draw(noise_BLD: noise_BLD, labels: [0, 2]).logits_BLV).elements
    let after = try #require(gained.draw(noise_BLD: noise_BLD, labels: [0, 2]).logits_BLV).elements
    let (noise, codes) = (noise_BLD.elements, codebook.vectors_VD.elements)
    let (V, D) = (8, 4)
    for row in 0..<(2 * 9) {
      for code in 0..<V {
        let product = (0..<D).reduce(Float(0)) { $0 + noise[row * D + $1] * codes[code * D + $1] }
        #expect(abs(after[row * V + code] - before[row * V + code] - 0.7 * product) < 1e-4)
      }
    }
  }

  @Test func aHeadWithoutLogitsHasNoGain() throws {
    let (linear, _) = try Self.generator(gain: 0.7, estimate: .linear)
    #expect(!linear.parameters.stateDict().names.contains { $0.hasPrefix("noise_gain") })
  }
}
