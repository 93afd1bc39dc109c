import NN
import TensorCore

/// Latents to pixels (`Decoder` of both references).
struct PixelDecoder: Sendable {
  private struct Level: Sendable {
    var blocks: [ResidualBlock] = []
    var attentions: [PixelAttention] = []
    var upsample: Conv2d?
  }

  private let convIn: Conv2d
  private let middle: PixelMiddle
  /// Coarsest first.
  private let levels: [Level]
  private let normOut: GroupNorm
  private let convOut: Conv2d

  init(_ builder: ParameterBuilder, _ sizes: PixelNetworks) {
    let count = sizes.channelMultipliers.count
    var channels = sizes.channels * sizes.channelMultipliers[count - 1]
    convIn = Conv2d(builder / "conv_in", sizes.latentChannels, channels, kernel: 3)
    middle = PixelMiddle(builder, channels, sizes)
    levels = (0..<count).reversed().map { index in
      let path = sizes.naming.decoderLevel(builder, index, of: count)
      var level = Level()
      for block in 0...sizes.residualBlocks {
        let outputs = sizes.channels * sizes.channelMultipliers[index]
        level.blocks.append(
          ResidualBlock(sizes.naming.block(path, block), channels, outputs, groups: sizes.normGroups))
        channels = outputs
        if index == count - 1 { level.attentions.append(PixelAttention(path / "attn" / block, channels, sizes)) }
      }
      if index != 0 { level.upsample = Conv2d(path / "upsample" / "conv", channels, channels, kernel: 3) }
      return level
    }
    normOut = GroupNorm(builder / "norm_out", channels: channels, groups: sizes.normGroups)
    convOut = Conv2d(builder / "conv_out", channels, 3, kernel: 3)
  }

  /// (B, h, w, latent channels) to images (B, H, W, 3), not clamped.
  func callAsFunction(_ latents_BhwD: Tensor) -> Tensor {
    var x = middle(convIn(latents_BhwD))
    for level in levels {
      for (index, block) in level.blocks.enumerated() {
        x = block(x)
        if index < level.attentions.count { x = level.attentions[index](x) }
      }
      if let upsample = level.upsample {
        let (_, h, w, _) = x.dims4
        x = upsample(resize(x, to: (2 * h, 2 * w), mode: .nearest))
      }
    }
    return convOut(normOut(x, activation: .silu))
  }
}
