import ArgumentParser
import Backbone
import DD2Teacher
import TeacherModels
import TensorCore

/// Teachers of published sizes, and of tiny ones for rehearsals, without their weights.
enum PublishedModel {
  /// Names of the tiny ones; pytorch_device.py has the same sizes.
  private static let tinyVAR = VARConfiguration(
    depth: 1, width: 32, heads: 2, classCount: 10, patchSides: [1, 2], latentDimension: 8, vocabulary: 64)
  private static let tinyLlamaGen = LlamaGenConfiguration(
    depth: 1, width: 32, heads: 2, classCount: 10, side: 2, latentDimension: 8, vocabulary: 64)

  /// A teacher whose weights are drawn, or unset, and the number of its transformer's weights.
  /// - Parameters:
  ///   - name: such as `var-d16` or `llamagen-l-256`, `shapes32-var`, or `tiny-var` or `tiny-llamagen`.
  ///   - seed: what weights are drawn from; nil leaves them unset.
  /// - Throws: `ValidationError` for any other name.
  static func teacher(_ name: String, seed: UInt64?) throws -> (teacher: any Teacher, parameters: Int) {
    if name == "shapes32-var", case .nextScale(let sizes, let pixels) = TeacherConfiguration.shapes32 {
      let tokenizer = VQVAE(pixels, seed: seed)
      let transformer = VARTransformer(sizes, map: tokenizer.map, seed: seed)
      return (VARTeacher(transformer: transformer, tokenizer: tokenizer), transformer.parameters.count)
    }
    let isTiny = name.hasPrefix("tiny-")
    if let sizes = name == "tiny-var" ? tinyVAR : VARConfiguration.presets[name] {
      let pixels =
        isTiny
        ? VQVAEConfiguration(
          channels: 32, channelMultipliers: [1], residualBlocks: 1, latentDimension: 8, vocabulary: 64,
          patchSides: sizes.patchSides)
        : VQVAEConfiguration(patchSides: sizes.patchSides)
      let tokenizer = VQVAE(pixels, seed: seed)
      let transformer = VARTransformer(sizes, map: tokenizer.map, seed: seed)
      return (VARTeacher(transformer: transformer, tokenizer: tokenizer), transformer.parameters.count)
    }
    guard let sizes = name == "tiny-llamagen" ? tinyLlamaGen : LlamaGenConfiguration.presets[name] else {
      throw ValidationError("--model \(name): not a published model")
    }
    let pixels =
      isTiny
      ? VQConfiguration(
        channels: 32, channelMultipliers: [1], residualBlocks: 1, latentChannels: 16, latentDimension: 8, vocabulary: 64
      )
      : VQConfiguration()
    let transformer = LlamaGenTransformer(sizes, seed: seed)
    let teacher = LlamaGenTeacher(transformer: transformer, tokenizer: VQTokenizer(pixels, seed: seed))
    return (teacher, transformer.parameters.count)
  }
}
