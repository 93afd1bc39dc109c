import NN
import TensorCore
import TestSupport
import Testing

@testable import DD2Teacher

private let configuration = VQVAEConfiguration(
  channels: 8, channelMultipliers: [1, 1], residualBlocks: 1, normGroups: 4, latentDimension: 4, vocabulary: 6,
  patchSides: [1, 2, 4])

@Suite("Tokenizer training") struct TokenizerTrainingTests {
  private let images = Tensor.uniform([2, 8, 8, 3], low: -1, high: 1, seed: 1, purpose: "images")

  private func pass(_ tokenizer: VQVAE, features: Float) -> TokenizerPass {
    tokenizer.trainingPass(
      images_BhwC: images, perceptual: PerceptualNetwork(classCount: 2, seed: 3),
      weights: TokenizerLossWeights(features: features))
  }

  @Test func everyParameterGetsAGradient() {
    let tokenizer = VQVAE(configuration, seed: 2)
    let gradients = pass(tokenizer, features: 1).loss.gradients(withRespectTo: tokenizer.parameters.values)
    for (parameter, gradient) in zip(tokenizer.parameters.parameters, gradients) {
      // Six scales would use all four phi convolutions; three use three.
      let isUnusedPhi = parameter.path.contains("qresi_ls.2") || parameter.path.contains("qresi_ls.1")
      if isUnusedPhi { continue }
      #expect(gradient.isFinite)
      #expect(Tensor.globalNorm([gradient]) > 0, "\(parameter.path)")
    }
  }

  @Test func theFeatureLossCounts() {
    let tokenizer = VQVAE(configuration, seed: 2)
    #expect(pass(tokenizer, features: 1).loss.item > pass(tokenizer, features: 0).loss.item)
  }

  @Test func theDecoderSeesTheQuantisedMap() {
    let tokenizer = VQVAE(configuration, seed: 2)
    let result = pass(tokenizer, features: 0)
    let decoded = tokenizer.pixels(
      tokenizer.map.featureMap(latents_BLD: tokenizer.embedding.gatherRows(result.ids)))
    let error = (decoded - images).square().mean().item
    #expect(abs(error - result.reconstructionError.item) < 1e-4 * error)
  }

  @Test func unusedCodesAreMovedOntoQueries() {
    let tokenizer = VQVAE(configuration, seed: 2)
    var usage = CodeUsage(vocabulary: 6)
    for _ in 0..<100 { usage.record(IndexTensor([0, 0, 1, 1], [1, 4])) }
    #expect(usage.usedFraction(threshold: 0.5) == 2.0 / 6)
    let before = tokenizer.embedding.elements
    let query = Tensor([9, 8, 7, 6], [1, 4])
    var stream = RandomStream(seed: 1, purpose: "test")
    let moved = usage.restart(
      embedding_VD: tokenizer.embedding, queries: [query], threshold: 0.5, stream: &stream)
    let after = tokenizer.embedding.elements
    #expect(moved == 4)
    #expect(after[..<8] == before[..<8])
    #expect((2..<6).allSatisfy { Array(after[$0 * 4..<($0 + 1) * 4]) == [9, 8, 7, 6] })
  }
}
