import Foundation
import NN
import TensorCore

/// Self-attention with L2-normalised queries and keys and a learned scale per head (`models/basic_var.py`).
struct VARAttention: Sendable {
  private let matQKV: Tensor
  private let qBias: Tensor
  private let vBias: Tensor
  private let scaleMul: Tensor?
  private let proj: Linear
  private let heads: Int
  private let width: Int

  /// Largest learned scale, `log 100`.
  private static let largestLogScale = Float(log(100.0))

  init(_ builder: ParameterBuilder, _ configuration: VARConfiguration) {
    let C = configuration.width
    heads = configuration.heads
    width = C
    matQKV = builder.parameter("mat_qkv.weight", [3 * C, C], .normal(1 / Float(C).squareRoot()))
    qBias = builder.parameter("q_bias", [C], .zeros)
    vBias = builder.parameter("v_bias", [C], .zeros)
    scaleMul =
      configuration.normalizesAttention
      ? builder.parameter("scale_mul_1H11", [1, heads, 1, 1], .constant(Float(log(4.0))), isDecayed: false) : nil
    let outputDeviation = 1 / Float(C).squareRoot() / Float(2 * configuration.depth).squareRoot()
    proj = Linear(builder / "proj", C, C, initializer: .normal(outputDeviation))
  }

  /// (B, L, C) to (B, L, C). With a cache, the tokens of x come after the cached ones and see them all.
  func callAsFunction(_ x_BLC: Tensor, visibility: Visibility, cache: KeyValueCache?, block: Int) -> Tensor {
    let (packed_BL3C, scale) = packedRows(x_BLC)
    guard let cache else {
      return proj(attention(packed: packed_BL3C, heads: heads, scale: scale, visibility: visibility))
    }
    let parts = packed_BL3C.split(axis: -1, [width, width, width])
    let (keys, values) = cache.write(layer: block, key: parts[1], value: parts[2])
    return proj(attention(parts[0], keys, values, heads: heads, scale: scale, visibility: visibility))
  }

  /// (B, L, C) to (B, L, C), position i seeing the first `counts[i]` and itself. No gradient.
  func callAsFunction(_ x_BLC: Tensor, counts: [Int]) -> Tensor {
    let (packed_BL3C, scale) = packedRows(x_BLC)
    return proj(ownKeyAttention(packed: packed_BL3C, heads: heads, scale: scale, counts: counts))
  }

  /// Rows q|k|v (B, L, 3 C), and the factor on their scores.
  private func packedRows(_ x_BLC: Tensor) -> (rows: Tensor, scale: Float) {
    let bias = Tensor.concatenated([qBias, Tensor.zeros([width]), vBias], axis: 0)
    let rows = x_BLC.linear(weight: matQKV, bias: bias)
    guard let scaleMul else { return (rows, 0.25 / Float(width / heads).squareRoot()) }
    let scale_H = scaleMul.reshaped([heads]).clamp(-.infinity, Self.largestLogScale).exp()
    return (normalizeQK(packed: rows, heads: heads, scale_H: scale_H), 1)
  }
}

/// One block: attention and feed-forward, each behind adaLN (`AdaLNSelfAttn`).
struct VARBlock: Sendable {
  private let attention: VARAttention
  private let fc1: Linear
  private let fc2: Linear
  private let adaLin: Linear?
  private let adaGSS: Tensor?
  private let index: Int
  private let width: Int

  init(_ builder: ParameterBuilder, _ configuration: VARConfiguration, index: Int) {
    let C = configuration.width
    let hidden = configuration.feedForwardRatio * C
    self.index = index
    width = C
    attention = VARAttention(builder / "attn", configuration)
    fc1 = Linear(builder / "ffn" / "fc1", C, hidden)
    let outputDeviation = 1 / Float(hidden).squareRoot() / Float(2 * configuration.depth).squareRoot()
    fc2 = Linear(builder / "ffn" / "fc2", hidden, C, initializer: .normal(outputDeviation))
    let deviation = 1 / Float(C).squareRoot()
    adaLin =
      configuration.sharesAdaLN
      ? nil
      : Linear(
        builder / "ada_lin" / 1, C, initialBias: Self.openGates(width: C), initializer: .normal(0.5 * deviation))
    adaGSS =
      configuration.sharesAdaLN
      ? builder.parameter("ada_gss", [1, 1, 6, C], .normal(deviation), isDecayed: false) : nil
  }

  /// The modulation's initial bias (6 C): gates at 1, so that every layer learns from the first step; gates that start
  /// at 0, as in the reference, open at the pace of the learning rate. Scales and shifts start at 0.
  private static func openGates(width C: Int) -> Tensor {
    Tensor.concatenated([Tensor(repeating: 1, [2 * C]), .zeros([4 * C])], axis: 0)
  }

  /// - Parameters:
  ///   - x_BLC: hidden states.
  ///   - condition: SiLU of the class embedding (B, C), or the shared projection (B, 6 C).
  func callAsFunction(
    _ x_BLC: Tensor, condition: Tensor, visibility: Visibility, cache: KeyValueCache?
  ) -> Tensor {
    run(x_BLC, condition: condition) { attention($0, visibility: visibility, cache: cache, block: index) }
  }

  /// The block of DD1's networks. No gradient.
  /// - Parameters:
  ///   - condition: as above.
  ///   - counts: position i sees the first `counts[i]` and itself.
  ///   - added_1LC: added between attention and feed-forward.
  func callAsFunction(_ x_BLC: Tensor, condition: Tensor, counts: [Int], added_1LC: Tensor) -> Tensor {
    run(x_BLC, condition: condition, added: added_1LC) { attention($0, counts: counts) }
  }

  private func run(
    _ x_BLC: Tensor, condition: Tensor, added: Tensor? = nil, attend: (Tensor) -> Tensor
  ) -> Tensor {
    let B = x_BLC.dims3.0
    let modulation_B6C =
      adaLin.map { $0(condition) } ?? (adaGSS.map { $0.reshaped([1, 6 * width]) + condition } ?? condition)
    // Order of the reference: gamma1, gamma2, scale1, scale2, shift1, shift2.
    let parts = modulation_B6C.reshaped([B, 6 * width]).split(axis: 1, Array(repeating: width, count: 6))
    let attended = attend(
      layerNormModulate(x_BLC, scale_BC: parts[2], shift_BC: parts[4], epsilon: VARTrunk.epsilon))
    var x = gatedResidual(x_BLC, attended, gate_BC: parts[0])
    if let added { x = x + added }
    let fed = fc2(
      fc1(layerNormModulate(x, scale_BC: parts[3], shift_BC: parts[5], epsilon: VARTrunk.epsilon)).gelu())
    return gatedResidual(x, fed, gate_BC: parts[1])
  }
}
