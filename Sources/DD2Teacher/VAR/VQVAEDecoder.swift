import NN
import TensorCore

/// Latents to pixels (`Decoder` of `models/basic_vae.py`). `up.0` is the finest level.
struct VQVAEDecoder: Sendable {
  private struct Level: Sendable {
    var blocks: [ResidualBlock] = []
    var attentions: [PixelAttention] = []
    var upsample: Conv2d?
  }

  private let convIn: Conv2d
  private let middle: (first: ResidualBlock, attention: PixelAttention, second: ResidualBlock)
  /// Coarsest first.
  private let levels: [Level]
  private let normOut: GroupNorm
  private let convOut: Conv2d

  init(_ builder: ParameterBuilder, _ configuration: VQVAEConfiguration) {
    let groups = configuration.normGroups
    let last = configuration.channelMultipliers.count - 1
    var channels = configuration.channels * configuration.channelMultipliers[last]
    convIn = Conv2d(builder / "conv_in", configuration.latentDimension, channels, kernel: 3)
    let mid = builder / "mid"
    middle = (
      ResidualBlock(mid / "block_1", channels, channels, groups: groups),
      PixelAttention(mid / "attn_1", channels, groups: groups),
      ResidualBlock(mid / "block_2", channels, channels, groups: groups)
    )
    levels = (0...last).reversed().map { index in
      let path = builder / "up" / index
      var level = Level()
      for block in 0...configuration.residualBlocks {
        let outputs = configuration.channels * configuration.channelMultipliers[index]
        level.blocks.append(ResidualBlock(path / "block" / block, channels, outputs, groups: groups))
        channels = outputs
        if index == last { level.attentions.append(PixelAttention(path / "attn" / block, channels, groups: groups)) }
      }
      if index != 0 { level.upsample = Conv2d(path / "upsample" / "conv", channels, channels, kernel: 3) }
      return level
    }
    normOut = GroupNorm(builder / "norm_out", channels: channels, groups: groups)
    convOut = Conv2d(builder / "conv_out", channels, 3, kernel: 3)
  }

  /// (B, h, w, D) to images (B, H, W, 3), not clamped.
  func callAsFunction(_ latents_BhwD: Tensor) -> Tensor {
    var x = convIn(latents_BhwD)
    x = middle.second(middle.attention(middle.first(x)))
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
