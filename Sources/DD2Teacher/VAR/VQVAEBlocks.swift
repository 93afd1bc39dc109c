import NN
import TensorCore

/// Residual block: GroupNorm, SiLU, 3x3 convolution, twice (`ResnetBlock` of `models/basic_vae.py`).
struct ResidualBlock: Sendable {
  private let norm1: GroupNorm
  private let conv1: Conv2d
  private let norm2: GroupNorm
  private let conv2: Conv2d
  private let shortcut: Conv2d?

  init(_ builder: ParameterBuilder, _ inputs: Int, _ outputs: Int, groups: Int) {
    norm1 = GroupNorm(builder / "norm1", channels: inputs, groups: groups)
    conv1 = Conv2d(builder / "conv1", inputs, outputs, kernel: 3)
    norm2 = GroupNorm(builder / "norm2", channels: outputs, groups: groups)
    conv2 = Conv2d(builder / "conv2", outputs, outputs, kernel: 3)
    shortcut = inputs == outputs ? nil : Conv2d(builder / "nin_shortcut", inputs, outputs, kernel: 1)
  }

  /// (B, h, w, inputs) to (B, h, w, outputs)
  func callAsFunction(_ x_BhwC: Tensor) -> Tensor {
    let h = conv2(norm2(conv1(norm1(x_BhwC, activation: .silu)), activation: .silu))
    return (shortcut?(x_BhwC) ?? x_BhwC) + h
  }
}

/// Single-head self-attention over pixels (`AttnBlock`).
struct PixelAttention: Sendable {
  private let norm: GroupNorm
  private let qkv: Conv2d
  private let output: Conv2d

  init(_ builder: ParameterBuilder, _ channels: Int, groups: Int) {
    norm = GroupNorm(builder / "norm", channels: channels, groups: groups)
    qkv = Conv2d(builder / "qkv", channels, 3 * channels, kernel: 1)
    output = Conv2d(builder / "proj_out", channels, channels, kernel: 1)
  }

  /// (B, h, w, C) to the same shape.
  func callAsFunction(_ x_BhwC: Tensor) -> Tensor {
    let (B, h, w, C) = x_BhwC.dims4
    let packed = qkv(norm(x_BhwC)).reshaped([B, h * w, 3 * C])
    let mixed = attention(packed: packed, heads: 1, scale: 1 / Float(C).squareRoot(), visible: nil)
    return x_BhwC + output(mixed.reshaped([B, h, w, C]))
  }
}

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

  /// Pixels per latent along a side.
  public var downsampling: Int { 1 << (channelMultipliers.count - 1) }

  /// Side of the images in pixels.
  public var imageSide: Int { downsampling * (patchSides.last ?? 0) }
}
