import Artifacts
import Backbone
import DD2Teacher

/// VAR's sizes from the names and shapes of its weights (FoundationVision/VAR, `models/var.py`, `models/vqvae.py`).
enum VARImport {
  /// Both configurations, what the files hold besides weights, and what they leave open.
  /// - Throws: `ArtifactError.wrongFormat`, `TeacherImportError`.
  static func configuration(
    _ transformer: NamedShapes, _ tokenizer: NamedShapes, _ options: TeacherImportOptions, isDD1: Bool
  ) throws -> TeacherSizes {
    if options.side != nil || options.heads != nil {
      throw TeacherImportError.contradiction(
        path: transformer.path, option: options.side != nil ? "--grid" : "--heads", detail: "it is for LlamaGen")
    }
    let sizes = try self.transformer(transformer, options, classLevels: isDD1 ? [1] : [])
    let vqvae = try self.tokenizer(tokenizer, patchSides: sizes.patchSides)
    guard (sizes.vocabulary, sizes.latentDimension) == (vqvae.vocabulary, vqvae.latentDimension) else {
      throw tokenizer.wrong(
        "\(vqvae.vocabulary) codes of \(vqvae.latentDimension) dimensions where \(transformer.path) reads "
          + "\(sizes.vocabulary) of \(sizes.latentDimension)")
    }
    var assumed: [String] = []
    if !transformer.has(headScales) { assumed.append("\(sizes.heads) heads of \(channelsPerHead) channels") }
    if options.patchSides == nil, !transformer.has(levels) {
      assumed.append(
        "scales \(text(sizes.patchSides)), as in the published models of \(sizes.layout.count) positions (--patch-nums)"
      )
    }
    return TeacherSizes(
      configuration: .nextScale(transformer: sizes, tokenizer: vqvae),
      ignored: ignored(sizes, inputs: sizes.layout.count + (isDD1 ? 1 : 0)),
      assumed: assumed)
  }

  /// - Parameter classLevels: the sides of levels before the scales: in DD1's networks the class is one.
  private static func transformer(
    _ names: NamedShapes, _ options: TeacherImportOptions, classLevels: [Int]
  ) throws -> VARConfiguration {
    let C = try names.width("pos_1LC", rank: 3, axis: 2)
    let depth = try names.layerCount(shape: [3 * C, C]) { "blocks.\($0).attn.mat_qkv.weight" }
    let heads = names.has(headScales) ? try names.extents(headScales, rank: 4)[1] : C / channelsPerHead
    guard heads > 0, C % heads == 0 else {
      throw names.wrong("width \(C) is no multiple of its \(heads) heads")
    }
    let hidden = try names.extents("blocks.0.ffn.fc1.weight", rank: 2)[0]
    guard hidden % C == 0, VARConfiguration.feedForwardRatios.contains(hidden / C) else {
      throw names.wrong("blocks.0.ffn.fc1.weight has \(hidden) rows, no multiple of the width \(C)")
    }
    return VARConfiguration(
      depth: depth, width: C, heads: heads, classCount: try names.classCount("class_emb.weight"),
      patchSides: Array(try patchSides(names, options, classLevels).dropFirst(classLevels.count)),
      latentDimension: try names.width("word_embed.weight", rank: 2, axis: 1),
      vocabulary: try names.extents("head.weight", rank: 2)[0], feedForwardRatio: hidden / C,
      sharesAdaLN: names.has("shared_ada_lin.1.weight"), normalizesAttention: names.has(headScales))
  }

  private static let headScales = "blocks.0.attn.scale_mul_1H11"
  private static let levels = "lvl_1L"

  /// Where attention has no scale per head; the published models have 64 throughout.
  private static let channelsPerHead = 64

  /// Tokens per side of each scale: as the option says, else as the level of every position says, else as the
  /// published model of so many positions and scales has them; after the class's levels.
  private static func patchSides(
    _ names: NamedShapes, _ options: TeacherImportOptions, _ classLevels: [Int]
  ) throws -> [Int] {
    let L = try names.extents("pos_1LC", rank: 3)[1]
    let count = try names.extents("lvl_embed.weight", rank: 2)[0]
    let contents = "the file has \(L) positions in \(count) scales"
    let stored = try storedPatchSides(names, positions: L)
    if let sides = options.patchSides.map({ classLevels + $0 }) {
      let lengths = sides.map { $0 * $0 }
      guard sides.count == count, lengths.reduce(0, +) == L, stored == nil || stored == sides else {
        let known = stored.map { ", of sides \(text($0))" } ?? ""
        throw TeacherImportError.contradiction(
          path: names.path, option: "--patch-nums \(text(sides))", detail: contents + known)
      }
      return sides
    }
    if let stored, stored.count == count { return stored }
    let published = VARConfiguration.presets.values.map { classLevels + $0.patchSides }
    guard let sides = published.first(where: { $0.count == count && TokenLayout(patchSides: $0).count == L }) else {
      throw TeacherImportError.undetermined(path: names.path, detail: contents, option: "--patch-nums")
    }
    return sides
  }

  /// The scales by the level of each position, which the reference stores with the weights; nil where it is left out.
  private static func storedPatchSides(_ names: NamedShapes, positions L: Int) throws -> [Int]? {
    guard names.has(levels) else { return nil }
    guard try names.extents(levels, rank: 2) == [1, L], let values = try names.weights.array(levels).ints else {
      throw names.wrong("\(levels) is no list of \(L) levels")
    }
    let lengths = Dictionary(grouping: values) { $0 }.sorted { $0.key < $1.key }.map(\.value.count)
    let sides = lengths.map { Int(Double($0).squareRoot().rounded()) }
    let expected = lengths.indices.flatMap { [Int](repeating: $0, count: lengths[$0]) }
    guard values == expected, sides.map({ $0 * $0 }) == lengths else {
      throw names.wrong("\(levels) does not list square scales one after the other")
    }
    return sides
  }

  private static func text(_ sides: [Int]) -> String { sides.map(String.init).joined(separator: ",") }

  private static func tokenizer(_ names: NamedShapes, patchSides: [Int]) throws -> VQVAEConfiguration {
    let pixels = try PixelSizes(names) { "encoder.down.\($0).block.\($1)" }
    return VQVAEConfiguration(
      channels: pixels.channels, channelMultipliers: pixels.channelMultipliers,
      residualBlocks: pixels.residualBlocks, normGroups: PixelSizes.normGroups,
      latentDimension: pixels.latentDimension, vocabulary: pixels.vocabulary, patchSides: patchSides)
  }

  /// What follows from the sizes (levels, mask, the key's bias of zeros) or counts how training used the codes.
  private static func ignored(_ sizes: VARConfiguration, inputs L: Int) -> [String: [Int]] {
    var shapes = [
      levels: [1, L], "attn_bias_for_masking": [1, 1, L, L],
      "quantize.ema_vocab_hit_SV": [sizes.patchSides.count, sizes.vocabulary],
    ]
    for block in 0..<sizes.depth { shapes["blocks.\(block).attn.zero_k_bias"] = [sizes.width] }
    return shapes
  }
}
