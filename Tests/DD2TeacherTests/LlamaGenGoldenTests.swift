import Artifacts
import Backbone
import Foundation
import NN
import TensorCore
import TestSupport
import Testing

@testable import DD2Teacher

/// The reference LlamaGen with synthetic weights, built from the sizes that the golden file states.
private struct GoldenLlamaGen {
  static let file = "golden-llamagen.h5"
  let teacher: LlamaGenTeacher
  let cfg: Float

  init() throws {
    let attributes = try HDF5File(reading: Goldens.path(Self.file)).attributes()
    func number(_ name: String) -> Int { Int(attributes[name]?.string ?? "") ?? 0 }
    cfg = Float(attributes["cfg"]?.string ?? "") ?? 0
    let tokenizer = VQTokenizer(
      VQConfiguration(
        channels: number("vq_channels"), latentChannels: number("z_channels"), latentDimension: number("latent"),
        vocabulary: number("vocab")), seed: 0)
    let transformer = LlamaGenTransformer(
      LlamaGenConfiguration(
        depth: number("layers"), width: number("dim"), heads: number("heads"), classCount: number("num_classes"),
        side: number("side"), latentDimension: number("latent"), vocabulary: number("vocab")), seed: 0)
    try tokenizer.parameters.loadSynthetic(prefix: "golden-llamagen.vq.")
    try transformer.parameters.loadSynthetic(prefix: "golden-llamagen.gpt.")
    teacher = LlamaGenTeacher(transformer: transformer, tokenizer: tokenizer)
  }

  func tensor(_ name: String) throws -> Tensor { try Goldens.tensor(Self.file, name) }
  func indices(_ name: String) throws -> IndexTensor { try Goldens.indices(Self.file, name) }

  /// Largest difference from a recorded array, relative to its largest element.
  func error(_ actual: Tensor, _ name: String) throws -> Float { relativeToLargest(actual, try tensor(name)) }
}

@Suite("LlamaGen against recorded reference outputs", .onTestDevice) struct LlamaGenGoldenTests {
  @Test func tokenizerMatches() throws {
    let golden = try GoldenLlamaGen()
    let tokenizer = golden.teacher.tokenizer
    #expect(try golden.error(tokenizer.codes_VD, "codebook") < 1e-6)
    let images = try golden.tensor("image").channelsLast
    #expect(try golden.error(tokenizer.latentImage(images).channelsFirst, "encoder_z") < 1e-4)
    let ids = try golden.teacher.encode(images_BhwC: images)
    #expect(ids.values == (try golden.indices("encoded_ids")).values)
    let drawn = try golden.indices("ids")
    #expect(try golden.error(tokenizer.pixels(ids_BL: drawn).channelsFirst, "decoded") < 1e-4)
    // The teacher's images are clamped, as the reference's sampling script writes them.
    let clamped = try golden.tensor("decoded").clamp(-1, 1)
    #expect(try relativeToLargest(golden.teacher.decode(ids_BL: drawn).channelsFirst, clamped) < 1e-4)
  }

  @Test func teacherForcedLogitsLossAndGradientsMatch() throws {
    let golden = try GoldenLlamaGen()
    let ids = try golden.indices("ids")
    let transformer = golden.teacher.transformer
    let logits = transformer.logits(ids_BL: ids, labels: try golden.indices("labels"))
    #expect(try golden.error(logits, "logits") < 1e-4)
    let loss = crossEntropy(logits, targets: ids).mean()
    #expect(try golden.error(loss, "loss") < 1e-4)
    let gradients = loss.gradients(withRespectTo: transformer.parameters.values)
    let byPath = Dictionary(uniqueKeysWithValues: zip(transformer.parameters.parameters.map(\.path), gradients))
    let names = try HDF5File(reading: Goldens.path(GoldenLlamaGen.file))
      .datasetNames(under: "/grad", recursive: true)
    #expect(names.count == 13)
    for name in names {
      let path = String(name.dropFirst("/grad/".count))
      let gradient = try #require(byPath[path], "no parameter \(path)")
      #expect(try golden.error(gradient, name) < 1e-3, "\(path)")
    }
  }

  @Test func greedyGuidedSamplingMatches() throws {
    let golden = try GoldenLlamaGen()
    let labels = try golden.indices("labels")
    let ids = try golden.teacher.sampleGreedily(labels: labels, guidance: Guidance(cfg: golden.cfg))
    #expect(ids.array == (try golden.indices("greedy_ids")).array)
    let images = golden.teacher.tokenizer.pixels(ids_BL: ids).channelsFirst
    #expect(try golden.error(images, "greedy_image") < 1e-4)
  }
}
