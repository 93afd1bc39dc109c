import NN
import TensorCore

/// Self-attention with rotary positions (`Attention` of `autoregressive/models/gpt.py`).
struct LlamaGenAttention: Sendable {
  private let wqkv: Linear
  private let wo: Linear
  private let heads: Int
  private let width: Int
  private let layer: Int

  init(_ builder: ParameterBuilder, _ configuration: LlamaGenConfiguration, layer: Int, output: Initializer) {
    let C = configuration.width
    heads = configuration.heads
    width = C
    self.layer = layer
    wqkv = Linear(builder / "wqkv", C, 3 * C, bias: false)
    wo = Linear(builder / "wo", C, C, bias: false, initializer: output)
  }

  /// (B, L, C) to (B, L, C); position i sees the first `visible[i]`. With a cache, x are the tokens after those that
  /// it holds, and each sees those before it.
  func callAsFunction(_ x_BLC: Tensor, rotary: RotaryTable, visible: [Int], cache: KeyValueCache?) -> Tensor {
    let scale = 1 / Float(width / heads).squareRoot()
    let packed_BL3C = rotaryEmbedding(
      packed: wqkv(x_BLC), heads: heads, cosine: rotary.cosine, sine: rotary.sine, position: cache?.position)
    guard let cache else {
      return wo(attention(packed: packed_BL3C, heads: heads, scale: scale, visibility: .counts(visible)))
    }
    let parts = packed_BL3C.split(axis: -1, [width, width, width])
    let (keys, values) = cache.write(layer: layer, key: parts[1], value: parts[2])
    return wo(
      attention(
        parts[0], keys, values, heads: heads, scale: scale, visibility: .fromPosition, position: cache.position))
  }
}

/// One layer: attention and SwiGLU feed-forward, each behind an RMS norm (`TransformerBlock` and `FeedForward`).
struct LlamaGenLayer: Sendable {
  private let attention: LlamaGenAttention
  private let w1: Linear
  private let w2: Linear
  private let w3: Linear
  private let attentionNorm: RMSNorm
  private let feedForwardNorm: RMSNorm

  init(_ builder: ParameterBuilder, _ configuration: LlamaGenConfiguration, index: Int) {
    let (C, hidden) = (configuration.width, configuration.feedForwardWidth)
    func output(inputs: Int) -> Initializer {
      .residual(inputs: inputs, depth: configuration.depth)
    }
    attention = LlamaGenAttention(builder / "attention", configuration, layer: index, output: output(inputs: C))
    let feedForward = builder / "feed_forward"
    w1 = Linear(feedForward / "w1", C, hidden, bias: false)
    w3 = Linear(feedForward / "w3", C, hidden, bias: false)
    w2 = Linear(
      feedForward / "w2", hidden, C, bias: false, initializer: output(inputs: hidden))
    attentionNorm = RMSNorm(builder / "attention_norm", C, epsilon: LlamaGenBody.epsilon)
    feedForwardNorm = RMSNorm(builder / "ffn_norm", C, epsilon: LlamaGenBody.epsilon)
  }

  /// (B, L, C) to (B, L, C).
  func callAsFunction(_ x_BLC: Tensor, rotary: RotaryTable, visible: [Int], cache: KeyValueCache?) -> Tensor {
    let h_BLC = x_BLC + attention(attentionNorm(x_BLC), rotary: rotary, visible: visible, cache: cache)
    let normed_BLC = feedForwardNorm(h_BLC)
    return h_BLC + w2(w1(normed_BLC).silu() * w3(normed_BLC))
  }
}

extension Initializer {
  /// For the last map of a residual branch: the sum over all branches of `depth` layers keeps unit scale.
  fileprivate static func residual(inputs: Int, depth: Int) -> Initializer {
    .normal(1 / Float(inputs).squareRoot() / Float(2 * depth).squareRoot())
  }
}
