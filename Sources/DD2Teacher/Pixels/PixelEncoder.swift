import NN
import TensorCore

/// Pixels to latents (`Encoder` of both references): attention at the lowest resolution and in the middle.
struct PixelEncoder: Sendable {
  private struct Level: Sendable {
    var blocks: [ResidualBlock] = []
    var attentions: [PixelAttention] = []
    var downsample: Conv2d?
  }

  private let convIn: Conv2d
  private let levels: [Level]
  private let middle: PixelMiddle
  private let normOut: GroupNorm
  private let convOut: Conv2d

  init(_ builder: ParameterBuilder, _ sizes: PixelNetworks) {
    convIn = Conv2d(builder / "conv_in", 3, sizes.channels, kernel: 3)
    var channels = sizes.channels
    let last = sizes.channelMultipliers.count - 1
    levels = sizes.channelMultipliers.enumerated().map { index, multiplier in
      let path = sizes.naming.encoderLevel(builder, index)
      var level = Level()
      for block in 0..<sizes.residualBlocks {
        let outputs = sizes.channels * multiplier
        level.blocks.append(
          ResidualBlock(sizes.naming.block(path, block), channels, outputs, groups: sizes.normGroups))
        channels = outputs
        if index == last { level.attentions.append(PixelAttention(path / "attn" / block, channels, sizes)) }
      }
      if index != last {
        // Halved without a border on the upper left: the references pad right and bottom only.
        level.downsample = Conv2d(
          path / "downsample" / "conv", channels, channels, kernel: 3, stride: 2,
          padding: Padding(top: 0, bottom: 1, left: 0, right: 1))
      }
      return level
    }
    middle = PixelMiddle(builder, channels, sizes)
    normOut = GroupNorm(builder / "norm_out", channels: channels, groups: sizes.normGroups)
    convOut = Conv2d(builder / "conv_out", channels, sizes.latentChannels, kernel: 3)
  }

  /// Images (B, H, W, 3) in [-1, 1] to (B, h, w, latent channels).
  func callAsFunction(_ images_BhwC: Tensor) -> Tensor {
    var x = convIn(images_BhwC)
    for level in levels {
      for (index, block) in level.blocks.enumerated() {
        x = block(x)
        if index < level.attentions.count { x = level.attentions[index](x) }
      }
      if let downsample = level.downsample { x = downsample(x) }
    }
    return convOut(normOut(middle(x), activation: .silu))
  }
}
