import Artifacts

/// Sizes of the convolutional encoder that both families' tokenizers share, as its weights show them.
struct PixelSizes {
  let channels: Int
  let channelMultipliers: [Int]
  let residualBlocks: Int
  /// Channels of the encoder's output.
  let latentChannels: Int
  let vocabulary: Int
  let latentDimension: Int
  /// Pixels of the image on a token's side: each level but the last halves.
  var pixelsPerToken: Int { 1 << (channelMultipliers.count - 1) }

  /// Groups of every group normalisation: both references fix it, and no weight shows it.
  static let normGroups = 32

  /// - Parameter block: the path of a residual block, by level and number.
  /// - Throws: `ArtifactError.wrongFormat`.
  init(_ names: NamedShapes, block: (_ level: Int, _ index: Int) -> String) throws {
    channels = try names.width("encoder.conv_in.weight", rank: 4, axis: 0)
    latentChannels = try names.width("encoder.conv_out.weight", rank: 4, axis: 0)
    let codes = try names.extents("quantize.embedding.weight", rank: 2)
    (vocabulary, latentDimension) = (codes[0], codes[1])
    let levels = names.count { "\(block($0, 0)).conv1.weight" }
    residualBlocks = names.count { "\(block(0, $0)).conv1.weight" }
    guard (1...8).contains(levels), (1...8).contains(residualBlocks) else {
      throw names.wrong("an encoder of \(levels) levels with \(residualBlocks) residual blocks, which no tokenizer has")
    }
    let channels = self.channels
    channelMultipliers = try (0..<levels).map { level in
      let name = "\(block(level, 0)).conv2.weight"
      let width = try names.width(name, rank: 4, axis: 0)
      guard width % channels == 0, width % Self.normGroups == 0, channels % Self.normGroups == 0 else {
        throw names.wrong(
          "\(name) has \(width) channels where a multiple of \(channels) and of \(Self.normGroups) is expected")
      }
      return width / channels
    }
  }
}
