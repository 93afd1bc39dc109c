import Backbone
import Foundation
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
    // Three scales use three of the four phi convolutions.
    let unused = Set(0..<4).subtracting(
      (0..<3).map { MultiScaleMap.phiIndex(scale: $0, scaleCount: 3, phiCount: 4) })
    #expect(unused.count == 1)
    for (parameter, gradient) in zip(tokenizer.parameters.parameters, gradients) {
      if unused.contains(where: { parameter.path.contains("qresi_ls.\($0).") }) { continue }
      #expect(gradient.isFinite)
      #expect(Tensor.globalNorm([gradient]).item > 0, "\(parameter.path)")
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
    let usage = CodeUsage(vocabulary: 6)
    for _ in 0..<100 { usage.record(IndexTensor([0, 0, 1, 1], [1, 4])) }
    #expect(
      mismatch(usage.averages_V, [2, 2, 0, 0, 0, 0].map { $0 * (1 - pow(0.95, 100)) }, shape: [6], .loose) == nil)
    #expect(mismatch([usage.usedFraction(threshold: 0.5).item], [2.0 / 6], .float) == nil)
    let before = tokenizer.embedding.elements
    let query = Tensor([9, 8, 7, 6], [1, 4])
    let moved = usage.restart(
      embedding_VD: tokenizer.embedding, queries: [query], threshold: 0.5, seed: 1, step: RandomCounter(0))
    let after = tokenizer.embedding.elements
    #expect(moved.item == 4)
    #expect(after[..<8] == before[..<8])
    #expect((2..<6).allSatisfy { Array(after[$0 * 4..<($0 + 1) * 4]) == [9, 8, 7, 6] })
    // What was moved counts as used.
    #expect(usage.averages_V.elements[2...] == [1, 1, 1, 1])
    #expect(usage.usedFraction(threshold: 0.5).item == 1)
  }

  /// Each unused code goes to a row of a scale, both of which the streams of the step choose.
  @Test func unusedCodesAreMovedToARandomRowOfARandomScale() {
    let (V, D, step) = (40, 3, 7)
    let usage = CodeUsage(vocabulary: V)
    usage.record(IndexTensor([0, 5, 5, 39], [2, 2]))
    let queries = [2, 1, 9].enumerated().map { Tensor.normal([$1, D], seed: 3, purpose: "scale \($0)") }
    let codes_VD = Tensor.normal([V, D], seed: 4, purpose: "codes")
    let before = codes_VD.elements
    let moved = usage.restart(
      embedding_VD: codes_VD, queries: queries, threshold: 0.01, seed: 1, step: RandomCounter(step))
    #expect(moved.item == 37)
    var scales = RandomStream(seed: 1, purpose: "tokenizer.restart.scale", step: step)
    let expected = (0..<V).flatMap { code -> [Float] in
      let rows = queries[scales.integer(below: queries.count)]
      // A stream's number falls into a range whatever its bound.
      var numbers = RandomStream(seed: 1, purpose: "tokenizer.restart.row", step: step)
      for _ in 0..<code { _ = numbers.nextBits() }
      let row = numbers.integer(below: rows.shape[0])
      return [0, 5, 39].contains(code)
        ? Array(before[code * D..<(code + 1) * D]) : Array(rows.elements[row * D..<(row + 1) * D])
    }
    #expect(codes_VD.elements == expected)
  }

  /// A batch's counts and the codes that are moved are those of the whole batch in every replica, to the last bit.
  @Test(arguments: [2, 4]) func replicasMoveTheSameCodes(count: Int) throws {
    let (V, D) = (40, 3)
    let ids = (0..<16).map { Int32($0 * $0 % 7) }
    let queries = [4, 16].enumerated().map { Tensor.normal([$1, D], seed: 3, purpose: "scale \($0)").elements }
    @Sendable func outcome(_ rank: Int, of count: Int) -> [[Float]] {
      func part<Element>(_ all: [Element]) -> [Element] {
        Array(all[(all.count / count * rank)..<(all.count / count * (rank + 1))])
      }
      let usage = CodeUsage(vocabulary: V)
      usage.record(IndexTensor(part(ids)))
      let codes_VD = Tensor.normal([V, D], seed: 4, purpose: "codes")
      let moved = usage.restart(
        embedding_VD: codes_VD, queries: queries.map { Tensor(part($0), [$0.count / D / count, D]) }, threshold: 0.01,
        seed: 1, step: RandomCounter(7))
      return [codes_VD.elements, usage.averages_V.elements, [moved.item]]
    }
    let alone = outcome(0, of: 1)
    for found in try inReplicas(count, { outcome($0.rank, of: count) }) { #expect(found == alone) }
  }
}

@Suite("Training of LlamaGen's tokenizer") struct VQTokenizerTrainingTests {
  private let images = Tensor.uniform([2, 8, 8, 3], low: -1, high: 1, seed: 1, purpose: "images")
  private let tokenizer = VQTokenizer(
    VQConfiguration(
      channels: 8, channelMultipliers: [1, 1], residualBlocks: 1, normGroups: 4, latentChannels: 8,
      latentDimension: 4, vocabulary: 6), seed: 2)

  @Test func everyParameterGetsAGradient() {
    let pass = tokenizer.trainingPass(
      images_BhwC: images, perceptual: PerceptualNetwork(classCount: 2, seed: 3), weights: TokenizerLossWeights())
    for (parameter, gradient) in zip(
      tokenizer.parameters.parameters, pass.loss.gradients(withRespectTo: tokenizer.parameters.values))
    {
      #expect(gradient.isFinite)
      #expect(Tensor.globalNorm([gradient]).item > 0, "\(parameter.path)")
    }
  }

  @Test func theDecoderSeesTheCodes() throws {
    let pass = tokenizer.trainingPass(
      images_BhwC: images, perceptual: PerceptualNetwork(classCount: 2, seed: 3),
      weights: TokenizerLossWeights(features: 0))
    #expect(try pass.ids.array == tokenizer.encode(images_BhwC: images).array)
    let error = (tokenizer.pixels(ids_BL: pass.ids) - images).square().mean().item
    #expect(abs(error - pass.reconstructionError.item) < 1e-4 * error)
  }

  @Test func quantisationPullsCodesAndLatentsTogether() {
    // One latent at a right angle to the code it is nearest to, all other codes opposite to it.
    let x = Tensor([0, 2, 0, 0], [1, 1, 1, 4]).asLeaf()
    tokenizer.embedding.assign(
      Tensor([3, 0, 0, 0] + (0..<5).flatMap { _ -> [Float] in [0, -1, 0, 0] }, [6, 4]))
    func quantized() -> TrainingQuantization { tokenizer.quantizeForTraining(x, commitment: 0.25) }
    let quantization = quantized()
    #expect(quantization.ids.values == [0])
    #expect(distance(quantization.straightThrough.elements, [1, 0, 0, 0]) < 1e-6)
    // Squared distance 2 over 4 elements, once for the code and a quarter for the latent.
    #expect(abs(quantization.loss.item - 0.625) < 1e-6)
    // d/dx of 0.25 |c - x/|x||^2 / 4 = -0.125 (c - u (u.c)) / |x|; d/de = -0.5 (u - c (u.c)) / |e|.
    let gradients = quantization.loss.gradients(withRespectTo: [x, tokenizer.embedding])
    #expect(distance(gradients[0].elements, [-0.0625, 0, 0, 0]) < 1e-6)
    #expect(distance(Array(gradients[1].elements[..<4]), [0, -0.5 / 3, 0, 0]) < 1e-6)
    // Past the quantiser the gradient is that of the unit latent.
    let passed = quantized().straightThrough.sum().gradients(withRespectTo: [x])[0].elements
    #expect(distance(passed, [0.5, 0, 0.5, 0.5]) < 1e-6)
  }

  private func distance(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).map { abs($0 - $1) }.max() ?? .infinity }
}
