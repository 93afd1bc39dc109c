import Artifacts
import Backbone
import Foundation
import NN
import TensorCore
import TestSupport
import Testing

@testable import DD2Teacher

/// The reference VAR with synthetic weights, built from the sizes that the golden file states.
private struct GoldenVAR {
  static let file = "golden-var.h5"
  let teacher: VARTeacher
  let cfg: Float

  init() throws {
    let attributes = try HDF5File(reading: Goldens.path(Self.file)).attributes()
    func number(_ name: String) -> Int { Int(attributes[name]?.string ?? "") ?? 0 }
    let sides = (attributes["patch_nums"]?.string ?? "").split { !$0.isNumber }.compactMap { Int($0) }
    cfg = Float(attributes["cfg"]?.string ?? "") ?? 0
    let tokenizer = VQVAE(
      VQVAEConfiguration(
        channels: number("vae_channels"), latentDimension: number("latent"), vocabulary: number("vocab"),
        patchSides: sides), seed: 0)
    let heads = number("heads")
    let transformer = VARTransformer(
      VARConfiguration(
        depth: number("depth"), width: number("width"), heads: heads, classCount: number("num_classes"),
        patchSides: sides, latentDimension: number("latent"), vocabulary: number("vocab"),
        sharesAdaLN: attributes["shared_aln"]?.string == "true"), map: tokenizer.map, seed: 0)
    try tokenizer.parameters.loadSynthetic(prefix: "golden-var.vae.")
    var overrides: [String: Tensor] = [:]
    let scales = (0..<heads).map { Float(log(4.0) - 0.5 + Double($0) / Double(max(heads - 1, 1))) }
    for block in 0..<number("depth") {
      overrides["blocks.\(block).attn.scale_mul_1H11"] = Tensor(scales, [1, heads, 1, 1])
    }
    try transformer.parameters.loadSynthetic(prefix: "golden-var.var.", overrides: overrides)
    teacher = VARTeacher(transformer: transformer, tokenizer: tokenizer)
  }

  func tensor(_ name: String) throws -> Tensor { try Goldens.tensor(Self.file, name) }
  func indices(_ name: String) throws -> IndexTensor { try Goldens.indices(Self.file, name) }
}

@Suite("VAR's published sizes") struct VARPresetTests {
  /// The bytes of the published files (issue 3) less masks and counters, by four.
  @Test(arguments: [("var-d16", 310_283_520), ("var-d30", 2_010_020_356)])
  func parameterCounts(_ name: String, count: Int) throws {
    let tokenizer = VQVAE(VQVAEConfiguration(), seed: nil)
    #expect(tokenizer.parameters.count == 108_948_355)
    let sizes = try #require(VARConfiguration.presets[name])
    #expect(sizes.layout.count == 680)
    #expect(VARTransformer(sizes, map: tokenizer.map, seed: nil).parameters.count == count)
  }

  @Test func theLargestSharesItsModulation() throws {
    let sizes = try #require(VARConfiguration.presets["var-d36"])
    #expect(sizes.sharesAdaLN && sizes.layout.count == 2240 && sizes.width == 2304 && sizes.heads == 36)
  }
}

@Suite("VAR against recorded reference outputs", .onTestDevice) struct VARGoldenTests {
  @Test func tokenizerMatches() throws {
    let golden = try GoldenVAR()
    let images = try golden.tensor("image").channelsLast
    let latents = golden.teacher.tokenizer.latentImage(images)
    #expect(relativeToLargest(latents.channelsFirst, try golden.tensor("encoder_f")) < 1e-4)
    #expect(try golden.teacher.encode(images_BhwC: images).array == golden.indices("encoded_ids").array)
    let map = golden.teacher.tokenizer.map
    let drawn = try golden.indices("ids")
    let codes = golden.teacher.tokenizer.embedding.gatherRows(drawn)
    #expect(relativeToLargest(map.featureMap(latents_BLD: codes).channelsFirst, try golden.tensor("f_hat")) < 1e-4)
    let decoded = try golden.teacher.decode(ids_BL: drawn).channelsFirst
    #expect(relativeToLargest(decoded, try golden.tensor("decoded")) < 1e-4)
  }

  @Test func teacherForcedLogitsLossAndGradientsMatch() throws {
    let golden = try GoldenVAR()
    let ids = try golden.indices("ids")
    let labels = try golden.indices("labels")
    let tokenizer = golden.teacher.tokenizer
    let inputs = tokenizer.map.inputs(latents_BLD: tokenizer.embedding.gatherRows(ids).stopGradient())
    #expect(relativeToLargest(inputs, try golden.tensor("var_input")) < 1e-4)
    let transformer = golden.teacher.transformer
    let logits = transformer.logits(inputs_BLD: inputs, labels: labels)
    #expect(relativeToLargest(logits, try golden.tensor("logits")) < 1e-4)
    let loss = crossEntropy(logits, targets: ids).mean()
    #expect(relativeToLargest(loss, try golden.tensor("loss")) < 1e-4)
    let gradients = loss.gradients(withRespectTo: transformer.parameters.values)
    let names = try HDF5File(reading: Goldens.path(GoldenVAR.file)).datasetNames(under: "/grad", recursive: true)
    #expect(!names.isEmpty)
    let byPath = Dictionary(uniqueKeysWithValues: zip(transformer.parameters.parameters.map(\.path), gradients))
    for name in names {
      let path = String(name.dropFirst("/grad/".count))
      let gradient = try #require(byPath[path], "no parameter \(path)")
      #expect(relativeToLargest(gradient, try golden.tensor(name)) < 1e-3, "\(path)")
    }
  }

  @Test func greedyGuidedSamplingMatches() throws {
    let golden = try GoldenVAR()
    let labels = try golden.indices("labels")
    let ids = try golden.teacher.sampleGreedily(labels: labels, guidance: Guidance(cfg: golden.cfg))
    #expect(ids.array == (try golden.indices("greedy_ids")).array)
    let images = try golden.teacher.decode(ids_BL: ids).channelsFirst
    let expected = try golden.tensor("greedy_image")
    let scaled = expected.elements.min() ?? 0 >= 0 ? (images + 1) * 0.5 : images
    #expect(relativeToLargest(scaled, expected) < 1e-4)
  }
}
