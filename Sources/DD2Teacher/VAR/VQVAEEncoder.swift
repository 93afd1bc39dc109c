import NN
import TensorCore

/// Pixels to latents (`Encoder` of `models/basic_vae.py`): attention at the lowest resolution and in the middle.
struct VQVAEEncoder: Sendable {
  private struct Level: Sendable {
    var blocks: [ResidualBlock] = []
    var attentions: [PixelAttention] = []
    var downsample: Conv2d?
  }

  private let convIn: Conv2d
  private let levels: [Level]
  private let middle: (first: ResidualBlock, attention: PixelAttention, second: ResidualBlock)
  private let normOut: GroupNorm
  private let convOut: Conv2d

  init(_ builder: ParameterBuilder, _ configuration: VQVAEConfiguration) {
    let groups = configuration.normGroups
    convIn = Conv2d(builder / "conv_in", 3, configuration.channels, kernel: 3)
    var channels = configuration.channels
    let last = configuration.channelMultipliers.count - 1
    levels = configuration.channelMultipliers.enumerated().map { index, multiplier in
      let path = builder / "down" / index
      var level = Level()
      for block in 0..<configuration.residualBlocks {
        let outputs = configuration.channels * multiplier
        level.blocks.append(ResidualBlock(path / "block" / block, channels, outputs, groups: groups))
        channels = outputs
        if index == last { level.attentions.append(PixelAttention(path / "attn" / block, channels, groups: groups)) }
      }
      if index != last {
        // Halved without a border on the upper left: the reference pads right and bottom only.
        level.downsample = Conv2d(
          path / "downsample" / "conv", channels, channels, kernel: 3, stride: 2,
          padding: Padding(top: 0, bottom: 1, left: 0, right: 1))
      }
      return level
    }
    let mid = builder / "mid"
    middle = (
      ResidualBlock(mid / "block_1", channels, channels, groups: groups),
      PixelAttention(mid / "attn_1", channels, groups: groups),
      ResidualBlock(mid / "block_2", channels, channels, groups: groups)
    )
    normOut = GroupNorm(builder / "norm_out", channels: channels, groups: groups)
    convOut = Conv2d(builder / "conv_out", channels, configuration.latentDimension, kernel: 3)
  }

  /// Images (B, H, W, 3) in [-1, 1] to (B, h, w, D).
  func callAsFunction(_ images_BhwC: Tensor) -> Tensor {
    var x = convIn(images_BhwC)
    for level in levels {
      for (index, block) in level.blocks.enumerated() {
        x = block(x)
        if index < level.attentions.count { x = level.attentions[index](x) }
      }
      if let downsample = level.downsample { x = downsample(x) }
    }
    x = middle.second(middle.attention(middle.first(x)))
    return convOut(normOut(x, activation: .silu))
  }
}
