/// Which leading keys each query sees.
public enum Visibility: Hashable, Sendable {
  /// All.
  case all
  /// Query i the first `counts[i]`, each 1 or more: block-causal attention.
  case counts([Int])
  /// Query i the first `position + i + 1`, the position being an operand: decoding with a cache of fixed shape.
  case fromPosition
}

/// Heads lie side by side in a row of `heads * d`; scores are `scale q.k`.
public struct AttentionForm: Hashable, Sendable {
  /// Heads.
  public var heads: Int
  /// Factor on the scores.
  public var scale: Float
  /// Which keys each query sees.
  public var visibility: Visibility
}

/// Fused attention, and what prepares its rows.
public enum AttentionKernel: Hashable, Sendable {
  /// q (B, Lq, C), k, v (B, Lk, C), [position]: `softmax(q k^T) v` (B, Lq, C), and the log-sum-exp of the scores
  /// (B, heads, Lq).
  case attention(AttentionForm)
  /// q, k, v, o, logSum, gradO: those of the gradients of q, k and v that are wanted.
  case attentionBackward(AttentionForm, wanted: [Bool])
  /// Rows q|k|v (B, L, 3 C): as `attention`.
  case packedAttention(AttentionForm)
  /// qkv, o, logSum, gradO: the gradient of qkv.
  case packedAttentionBackward(AttentionForm)
  /// Rows q|k|v, scale (heads): each head of q at length `scale[head]`, of k at length 1, v copied.
  case normalizeQK(heads: Int)
  /// qkv, scale, gradY: those of the gradients of both that are wanted.
  case normalizeQKBackward(heads: Int, wanted: [Bool])
  /// Rows q|k|v (B, L, 3 C), cosine, sine (positions, d / 2), position (a scalar): the pairs of q and k rotated by the
  /// table rows from the position on, or by the transpose.
  case rotate(heads: Int, transposed: Bool)

  func results(of operands: [ArrayType]) -> [ArrayType] {
    let x = operands[0]
    func outputs(_ heads: Int, width: Int) -> [ArrayType] {
      [ArrayType(x.shape.replacing(axis: -1, with: width)), ArrayType([x.shape[0], heads, x.shape[1]])]
    }
    switch self {
    case .attention(let form): return outputs(form.heads, width: x.shape[2])
    case .packedAttention(let form): return outputs(form.heads, width: x.shape[2] / 3)
    case .attentionBackward(_, let wanted): return Array(operands[..<3]).wanted(wanted)
    case .packedAttentionBackward, .normalizeQK, .rotate: return [x]
    case .normalizeQKBackward(_, let wanted): return Array(operands[..<2]).wanted(wanted)
    }
  }
}
