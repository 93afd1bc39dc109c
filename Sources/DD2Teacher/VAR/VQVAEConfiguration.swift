import Backbone
import NN

/// Sizes of VAR's VQVAE.
public struct VQVAEConfiguration: Codable, Equatable, Sendable {
  /// Channels at full resolution.
  public var channels: Int
  /// Channel factor per resolution level; each level after the first halves the side.
  public var channelMultipliers: [Int]
  /// Residual blocks per level in the encoder; the decoder has one more.
  public var residualBlocks: Int
  /// Groups of every group normalisation; with as many groups as channels an image's mean colour would be lost.
  public var normGroups: Int
  /// Latent dimension (D).
  public var latentDimension: Int
  /// Codebook size (V).
  public var vocabulary: Int
  /// Tokens per side of each scale.
  public var patchSides: [Int]

  /// A configuration; defaults are those of `vae_ch160v4096z32`.
  public init(
    channels: Int = 160, channelMultipliers: [Int] = [1, 1, 2, 2, 4], residualBlocks: Int = 2,
    normGroups: Int = 32, latentDimension: Int = 32, vocabulary: Int = 4096,
    patchSides: [Int] = [1, 2, 3, 4, 5, 6, 8, 10, 13, 16]
  ) {
    self.channels = channels
    self.channelMultipliers = channelMultipliers
    self.residualBlocks = residualBlocks
    self.normGroups = normGroups
    self.latentDimension = latentDimension
    self.vocabulary = vocabulary
    self.patchSides = patchSides
  }

  /// Encoder and decoder under the keys of `models/basic_vae.py`.
  var pixels: PixelNetworks {
    PixelNetworks(
      channels: channels, channelMultipliers: channelMultipliers, residualBlocks: residualBlocks,
      normGroups: normGroups, latentChannels: latentDimension, naming: .varVQVAE)
  }

  /// Pixels per latent along a side.
  public var downsampling: Int { pixels.downsampling }

  /// Side of the images in pixels.
  public var imageSide: Int { downsampling * (patchSides.last ?? 0) }
}

extension VQVAEConfiguration: CheckedSettings {
  public func check() throws(SettingsError) {
    try Setting.within(Setting.widths, latentDimension, "latentDimension")
    try Setting.within(Setting.extents, vocabulary, "vocabulary")
    try Setting.within(Setting.weights, vocabulary * latentDimension, "the number of elements of the codebook")
    try TokenLayout.check(patchSides: patchSides)
    try pixels.check()
  }
}
