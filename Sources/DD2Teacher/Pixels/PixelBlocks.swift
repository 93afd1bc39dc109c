import NN
import TensorCore

/// Residual block: GroupNorm, SiLU, 3x3 convolution, twice (`ResnetBlock` of both references).
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

/// Single-head self-attention over pixels (`AttnBlock` of both references).
struct PixelAttention: Sendable {
  private enum Projection: Sendable {
    case packed(Conv2d)
    case separate(q: Conv2d, k: Conv2d, v: Conv2d)
  }

  private let norm: GroupNorm
  private let projection: Projection
  private let output: Conv2d

  init(_ builder: ParameterBuilder, _ channels: Int, _ sizes: PixelNetworks) {
    norm = GroupNorm(builder / "norm", channels: channels, groups: sizes.normGroups)
    func pointwise(_ name: String, _ outputs: Int) -> Conv2d { Conv2d(builder / name, channels, outputs, kernel: 1) }
    projection =
      sizes.naming.packsAttention
      ? .packed(pointwise("qkv", 3 * channels))
      : .separate(q: pointwise("q", channels), k: pointwise("k", channels), v: pointwise("v", channels))
    output = pointwise("proj_out", channels)
  }

  /// (B, h, w, C) to the same shape.
  func callAsFunction(_ x_BhwC: Tensor) -> Tensor {
    let (B, h, w, C) = x_BhwC.dims4
    let scale = 1 / Float(C).squareRoot()
    let normed = norm(x_BhwC)
    func tokens(_ conv: Conv2d, _ channels: Int) -> Tensor { conv(normed).reshaped([B, h * w, channels]) }
    let mixed =
      switch projection {
      case .packed(let qkv): attention(packed: tokens(qkv, 3 * C), heads: 1, scale: scale)
      case .separate(let q, let k, let v): attention(tokens(q, C), tokens(k, C), tokens(v, C), heads: 1, scale: scale)
      }
    return x_BhwC + output(mixed.reshaped([B, h, w, C]))
  }
}

/// The networks' middle, at the lowest resolution: residual block, attention, residual block.
struct PixelMiddle: Sendable {
  private let first: ResidualBlock
  private let attention: PixelAttention
  private let second: ResidualBlock

  init(_ builder: ParameterBuilder, _ channels: Int, _ sizes: PixelNetworks) {
    let paths = sizes.naming.middle(builder)
    first = ResidualBlock(paths.0, channels, channels, groups: sizes.normGroups)
    attention = PixelAttention(paths.1, channels, sizes)
    second = ResidualBlock(paths.2, channels, channels, groups: sizes.normGroups)
  }

  /// (B, h, w, C) to the same shape.
  func callAsFunction(_ x_BhwC: Tensor) -> Tensor { second(attention(first(x_BhwC))) }
}
