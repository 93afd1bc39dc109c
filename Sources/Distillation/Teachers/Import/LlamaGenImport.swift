import Artifacts
import Backbone
import DD2Teacher
import Foundation

/// LlamaGen's sizes from the names and shapes of its weights (FoundationVision/LlamaGen,
/// `autoregressive/models/gpt.py`, `tokenizer/tokenizer_image/vq_model.py`).
enum LlamaGenImport {
  /// Both configurations, and what the files hold besides weights with its shape.
  /// - Throws: `ArtifactError.wrongFormat`, `TeacherImportError`.
  static func configuration(
    _ transformer: NamedShapes, _ tokenizer: NamedShapes, _ options: TeacherImportOptions
  ) throws -> (configuration: TeacherConfiguration, ignored: [String: [Int]]) {
    if options.patchSides != nil {
      throw TeacherImportError.contradiction(
        path: transformer.path, option: "--patch-nums", detail: "it is for VAR")
    }
    let pixels = try PixelSizes(tokenizer) { "encoder.conv_blocks.\($0).res.\($1)" }
    let vq = VQConfiguration(
      channels: pixels.channels, channelMultipliers: pixels.channelMultipliers, residualBlocks: pixels.residualBlocks,
      normGroups: PixelSizes.normGroups, latentChannels: pixels.latentChannels,
      latentDimension: pixels.latentDimension, vocabulary: pixels.vocabulary)
    let sizes = try self.transformer(transformer, latentDimension: vq.latentDimension, options)
    guard sizes.vocabulary == vq.vocabulary else {
      throw tokenizer.wrong(
        "\(vq.vocabulary) codes where \(transformer.path) reads \(sizes.vocabulary)")
    }
    return (.nextToken(transformer: sizes, tokenizer: vq), ["quantize.codebook_used": [codeHistory]])
  }

  /// Tokens whose codes the reference remembers, to tell how many codes are in use.
  private static let codeHistory = 65_536

  private static func transformer(
    _ names: NamedShapes, latentDimension: Int, _ options: TeacherImportOptions
  ) throws -> LlamaGenConfiguration {
    let C = try names.width("tok_embeddings.weight", rank: 2, axis: 1)
    let depth = try names.layerCount(shape: [3 * C, C]) { "layers.\($0).attention.wqkv.weight" }
    let published = LlamaGenConfiguration.presets.values.first { $0.depth == depth && $0.width == C }
    return LlamaGenConfiguration(
      depth: depth, width: C, heads: try heads(names, width: C, published, options),
      classCount: try names.classCount("cls_embedding.embedding_table.weight"),
      side: try side(names, published, options), latentDimension: latentDimension,
      vocabulary: try names.extents("tok_embeddings.weight", rank: 2)[0])
  }

  /// Channels of a head in all published models but 3B.
  private static let channelsPerHead = 64

  private static func heads(
    _ names: NamedShapes, width C: Int, _ published: LlamaGenConfiguration?, _ options: TeacherImportOptions
  ) throws -> Int {
    let heads = options.heads ?? published?.heads ?? C / channelsPerHead
    guard heads > 0, C % heads == 0, C / heads % 4 == 0 else {
      let detail = "a head's width is a multiple of 4 and the file's width \(C)"
      guard let given = options.heads else {
        throw TeacherImportError.undetermined(path: names.path, detail: detail, option: "--heads")
      }
      throw TeacherImportError.contradiction(path: names.path, option: "--heads \(given)", detail: detail)
    }
    return heads
  }

  /// No weight depends on the number of tokens. Models of a published size are for 256 pixels, unless the file's
  /// name says 384 as the publisher's do (`c2i_L_384.pt`).
  private static func side(
    _ names: NamedShapes, _ published: LlamaGenConfiguration?, _ options: TeacherImportOptions
  ) throws -> Int {
    if let side = options.side {
      let sides = LlamaGenConfiguration.sides
      guard sides.contains(side) else {
        throw TeacherImportError.contradiction(
          path: names.path, option: "--grid \(side)",
          detail: "it is from \(sides.lowerBound) to \(sides.upperBound) tokens")
      }
      return side
    }
    guard published != nil else {
      throw TeacherImportError.undetermined(
        path: names.path, detail: "no published size, and weights do not show the tokens per side", option: "--grid")
    }
    return URL(fileURLWithPath: names.path).lastPathComponent.contains("384") ? 24 : 16
  }
}
