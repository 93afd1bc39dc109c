import NN

/// Sizes of a convolutional encoder and decoder, and under which names the parts are stored. VAR's and LlamaGen's
/// tokenizers compute the same: both come from the VQGAN of Esser et al. 2021.
struct PixelNetworks: Sendable {
  /// Channels at full resolution.
  let channels: Int
  /// Channel factor per resolution level; each level after the first halves the side.
  let channelMultipliers: [Int]
  /// Residual blocks per level in the encoder; the decoder has one more.
  let residualBlocks: Int
  /// Groups of every group normalisation.
  let normGroups: Int
  /// Channels of the encoder's output and the decoder's input.
  let latentChannels: Int
  /// Names of the parts.
  let naming: PixelNaming

  /// Pixels per latent along a side.
  var downsampling: Int { 1 << (channelMultipliers.count - 1) }
}

extension PixelNetworks: CheckedSettings {
  func check() throws(SettingsError) {
    try Setting.within(Setting.widths, channels, "channels")
    try Setting.within(1...8, channelMultipliers.count, "the length of channelMultipliers")
    for multiplier in channelMultipliers {
      try Setting.within(Setting.widths, multiplier, "one of channelMultipliers")
      try Setting.within(Setting.widths, multiplier * channels, "channels times one of channelMultipliers")
    }
    try Setting.within(1...8, residualBlocks, "residualBlocks")
    try Setting.divisor(normGroups, of: channels, "normGroups")
    try Setting.within(Setting.widths, latentChannels, "the number of latent channels")
    let widest = max(latentChannels, channels * (channelMultipliers.max() ?? 1))
    try Setting.within(Setting.weights, 9 * widest * widest, "the number of elements of the largest convolution")
  }
}

/// Names of a reference's parts, which are its state-dict keys.
enum PixelNaming: Sendable {
  /// VAR, `models/basic_vae.py`: decoder level 0 is the finest; attention's q, k and v are one convolution.
  case varVQVAE
  /// LlamaGen, `tokenizer/tokenizer_image/vq_model.py`: decoder block 0 is the coarsest; q, k and v are three.
  case llamaGenVQ

  /// The path of an encoder level; 0 is the finest.
  func encoderLevel(_ builder: ParameterBuilder, _ level: Int) -> ParameterBuilder {
    switch self {
    case .varVQVAE: builder / "down" / level
    case .llamaGenVQ: builder / "conv_blocks" / level
    }
  }

  /// The path of a decoder level among `count`; 0 is the finest.
  func decoderLevel(_ builder: ParameterBuilder, _ level: Int, of count: Int) -> ParameterBuilder {
    switch self {
    case .varVQVAE: builder / "up" / level
    case .llamaGenVQ: builder / "conv_blocks" / (count - 1 - level)
    }
  }

  /// The path of a residual block within a level.
  func block(_ level: ParameterBuilder, _ index: Int) -> ParameterBuilder {
    switch self {
    case .varVQVAE: level / "block" / index
    case .llamaGenVQ: level / "res" / index
    }
  }

  /// The paths of the middle's residual block, attention and residual block.
  func middle(_ builder: ParameterBuilder) -> (ParameterBuilder, ParameterBuilder, ParameterBuilder) {
    let middle = builder / "mid"
    switch self {
    case .varVQVAE: return (middle / "block_1", middle / "attn_1", middle / "block_2")
    case .llamaGenVQ: return (middle / 0, middle / 1, middle / 2)
    }
  }

  /// Whether one convolution gives q, k and v.
  var packsAttention: Bool { self == .varVQVAE }
}
