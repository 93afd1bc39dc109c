import Artifacts
import Backbone
import DD2Teacher

/// LlamaGen's sizes from the names and shapes of its weights (FoundationVision/LlamaGen,
/// `autoregressive/models/gpt.py`, `tokenizer/tokenizer_image/vq_model.py`).
enum LlamaGenImport {
  /// Both configurations, what the files hold besides weights, and what they leave open.
  /// - Throws: `ArtifactError.wrongFormat`, `TeacherImportError`.
  static func configuration(
    _ transformer: NamedShapes, _ tokenizer: NamedShapes, _ options: TeacherImportOptions, isDD1: Bool
  ) throws -> TeacherSizes {
    if options.patchSides != nil {
      throw TeacherImportError.contradiction(
        path: transformer.path, option: "--patch-nums", detail: "it is for VAR")
    }
    let pixels = try PixelSizes(tokenizer) { "encoder.conv_blocks.\($0).res.\($1)" }
    let vq = VQConfiguration(
      channels: pixels.channels, channelMultipliers: pixels.channelMultipliers, residualBlocks: pixels.residualBlocks,
      normGroups: PixelSizes.normGroups, latentChannels: pixels.latentChannels,
      latentDimension: pixels.latentDimension, vocabulary: pixels.vocabulary)
    // DD1's network reads latents through a linear map, not tokens through a table.
    let C = try transformer.width("tok_embeddings.weight", rank: 2, axis: isDD1 ? 0 : 1)
    let depth = try transformer.layerCount(shape: [3 * C, C]) { "layers.\($0).attention.wqkv.weight" }
    let published = LlamaGenConfiguration.presets.values.first { $0.depth == depth && $0.width == C }
    var assumed: [String] = []
    let side = try side(
      transformer, isPublished: published != nil, pixelsPerToken: pixels.pixelsPerToken, options, &assumed)
    let heads = try heads(transformer, width: C, published, options, &assumed)
    let vocabulary = try transformer.extents(isDD1 ? "output.weight" : "tok_embeddings.weight", rank: 2)[0]
    guard vocabulary == vq.vocabulary else {
      throw tokenizer.wrong("\(vq.vocabulary) codes where \(transformer.path) reads \(vocabulary)")
    }
    let sizes = LlamaGenConfiguration(
      depth: depth, width: C, heads: heads,
      classCount: try transformer.classCount("cls_embedding.embedding_table.weight"), side: side,
      latentDimension: vq.latentDimension, vocabulary: vocabulary)
    return TeacherSizes(
      configuration: .nextToken(transformer: sizes, tokenizer: vq),
      ignored: ["quantize.codebook_used": [codeHistory]], assumed: assumed)
  }

  /// Tokens whose codes the reference remembers, to tell how many codes are in use.
  private static let codeHistory = 65_536

  /// Channels of a head in all published models but 3B.
  private static let channelsPerHead = 64

  private static func heads(
    _ names: NamedShapes, width C: Int, _ published: LlamaGenConfiguration?, _ options: TeacherImportOptions,
    _ assumed: inout [String]
  ) throws -> Int {
    let stored = LlamaGenBuffers.heads(names, width: C)
    let heads = options.heads ?? stored ?? published?.heads ?? C / channelsPerHead
    guard heads > 0, C % heads == 0, C / heads % 4 == 0 else {
      let detail = "a head's width is a multiple of 4 and the file's width \(C)"
      guard let given = options.heads else {
        throw TeacherImportError.undetermined(path: names.path, detail: detail, option: "--heads")
      }
      throw TeacherImportError.contradiction(path: names.path, option: "--heads \(given)", detail: detail)
    }
    if let stored, stored != heads {
      throw TeacherImportError.contradiction(
        path: names.path, option: "--heads \(heads)", detail: "the file's tables are for \(stored)")
    }
    if options.heads == nil, stored == nil {
      let reason = published == nil ? "of \(channelsPerHead) channels" : "as published"
      assumed.append("\(heads) heads, \(reason) (--heads)")
    }
    return heads
  }

  /// No weight depends on the number of tokens, though tables beside the weights do. Without them, models of a published
  /// size are for 256 pixels, unless a word of the file's name is 384 as in the publisher's (`c2i_L_384.pt`).
  private static func side(
    _ names: NamedShapes, isPublished: Bool, pixelsPerToken: Int, _ options: TeacherImportOptions,
    _ assumed: inout [String]
  ) throws -> Int {
    let stored = LlamaGenBuffers.side(names)
    if let side = options.side {
      let sides = LlamaGenConfiguration.sides
      guard sides.contains(side), side == stored ?? side else {
        throw TeacherImportError.contradiction(
          path: names.path, option: "--grid \(side)",
          detail: stored.map { "the file's tables are for \($0) x \($0) tokens" }
            ?? "it is from \(sides.lowerBound) to \(sides.upperBound) tokens")
      }
      return side
    }
    if let stored { return stored }
    guard isPublished else {
      throw TeacherImportError.undetermined(
        path: names.path, detail: "no published size, and weights do not show the tokens per side", option: "--grid")
    }
    let words = (names.path.split(separator: "/").last ?? "").split { !$0.isLetter && !$0.isNumber }
    let is384 = words.contains("384")
    guard !is384 || !words.contains("256") else {
      throw TeacherImportError.undetermined(
        path: names.path, detail: "the name says both 256 and 384 pixels, and weights say neither", option: "--grid")
    }
    let pixels = is384 ? 384 : 256
    let side = pixels / pixelsPerToken
    assumed.append(
      "\(side) x \(side) tokens, for \(pixels) pixels as " + (is384 ? "the file's name says" : "published")
        + " (--grid)")
    return side
  }
}

/// What the reference's programs keep beside the weights and what it says of the sizes: the table of rotations, with a
/// row for the class and one for each token, and the places of mask and cache, as many rounded up to a multiple of 8.
private enum LlamaGenBuffers {
  /// Tokens per side of the image; nil where the file does not say.
  static func side(_ names: NamedShapes) -> Int? {
    let sides = LlamaGenConfiguration.sides
    if let rows = shape("freqs_cis", names)?.first {
      return sides.first { $0 * $0 + 1 == rows }
    }
    guard let places = shape("causal_mask", names)?.last ?? cache(names)?[2] else { return nil }
    return sides.first { ($0 * $0 + 1 + 7) / 8 * 8 == places }
  }

  /// Attention heads; nil where the file does not say.
  static func heads(_ names: NamedShapes, width C: Int) -> Int? {
    if let cache = cache(names), cache[1] > 0, C == cache[1].multipliedReportingOverflow(by: cache[3]).partialValue {
      return cache[1]
    }
    // Pairs of a head's channels, complex or with an axis for the two.
    guard let table = shape("freqs_cis", names), table.count == 2 || table.count == 3 && table[2] == 2,
      (1...C).contains(table[1]), C % (2 * table[1]) == 0
    else { return nil }
    return C / (2 * table[1])
  }

  private static func shape(_ name: String, _ names: NamedShapes) -> [Int]? { names.weights.entry(name)?.shape }

  /// Batch, heads, places, channels of a head.
  private static func cache(_ names: NamedShapes) -> [Int]? {
    shape("layers.0.attention.kv_cache.k_cache", names).flatMap { $0.count == 4 ? $0 : nil }
  }
}
