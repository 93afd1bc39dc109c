import NN

/// Sizes of LlamaGen's tokenizer (FoundationVision/LlamaGen, `tokenizer/tokenizer_image/vq_model.py`).
public struct VQConfiguration: Codable, Equatable, Sendable {
  /// Channels at full resolution.
  public var channels: Int
  /// Channel factor per resolution level; each level after the first halves the side.
  public var channelMultipliers: [Int]
  /// Residual blocks per level in the encoder; the decoder has one more.
  public var residualBlocks: Int
  /// Groups of every group normalisation; with as many groups as channels an image's mean colour would be lost.
  public var normGroups: Int
  /// Channels between encoder and quantiser, and between quantiser and decoder.
  public var latentChannels: Int
  /// Latent dimension (D).
  public var latentDimension: Int
  /// Codebook size (V).
  public var vocabulary: Int

  /// A configuration; defaults are those of `vq_ds16_c2i`.
  public init(
    channels: Int = 128, channelMultipliers: [Int] = [1, 1, 2, 2, 4], residualBlocks: Int = 2, normGroups: Int = 32,
    latentChannels: Int = 256, latentDimension: Int = 8, vocabulary: Int = 16384
  ) {
    self.channels = channels
    self.channelMultipliers = channelMultipliers
    self.residualBlocks = residualBlocks
    self.normGroups = normGroups
    self.latentChannels = latentChannels
    self.latentDimension = latentDimension
    self.vocabulary = vocabulary
  }

  /// Encoder and decoder under the reference's keys.
  var pixels: PixelNetworks {
    PixelNetworks(
      channels: channels, channelMultipliers: channelMultipliers, residualBlocks: residualBlocks,
      normGroups: normGroups, latentChannels: latentChannels, naming: .llamaGenVQ)
  }

  /// Pixels per token along a side.
  public var downsampling: Int { pixels.downsampling }
}

extension VQConfiguration: CheckedSettings {
  public func check() throws(SettingsError) {
    try Setting.within(Setting.widths, latentDimension, "latentDimension")
    try Setting.within(Setting.extents, vocabulary, "vocabulary")
    try Setting.within(Setting.weights, vocabulary * latentDimension, "the number of elements of the codebook")
    try pixels.check()
  }
}
