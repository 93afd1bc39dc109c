/// Scaled-cosine attention's input (VAR, `attn_l2_norm`): per head `q <- scale_h q / max(|q|, 1e-12)`,
/// `k <- k / max(|k|, 1e-12)`, v unchanged.
///
/// Backward, with u the unit vector and s its factor: `gradQ = s/|q| (g - u (u.g))`, `gradScale_h = sum g.u`.
/// - Parameters:
///   - qkv: (B, L, 3 C), rows q|k|v.
///   - heads: number of heads, a divisor of C.
///   - scale_H: (H).
/// - Returns: (B, L, 3 C).
public func normalizeQK(packed qkv: Tensor, heads: Int, scale_H: Tensor) -> Tensor {
  let width = qkv.dims3.2
  precondition(
    heads > 0 && width % (3 * heads) == 0 && scale_H.shape == [heads],
    "normalizeQK: expected qkv (B, L, 3 heads d) and scale (heads) for \(heads) heads, got \(qkv.shape), \(scale_H.shape)"
  )
  let operands = [qkv.storage, scale_H.storage]
  return Tensor(run(.attention(.normalizeQK(heads: heads)), operands)[0]).recorded(from: [qkv, scale_H]) {
    gradY, wanted in
    var gradients = run(
      .attention(.normalizeQKBackward(heads: heads, wanted: wanted)), operands + [gradY.storage])[...]
    return wanted.map { $0 ? gradients.popFirst().map { Tensor($0) } : nil }
  }
}

/// Rotary position embedding of the interleaved pairs of each head of q and k, in packed rows q|k|v; v is copied:
/// `(x0, x1) -> (x0 cos - x1 sin, x1 cos + x0 sin)`, by the table row of the token's position.
///
/// A table row of zeros makes the vector vanish (LlamaGen's class token). The map is linear: backward is its transpose.
/// - Parameters:
///   - qkv: (B, L, 3 C).
///   - heads: number of heads, a divisor of C; heads have even width d.
///   - cosine: (positions, d / 2), a constant.
///   - sine: (positions, d / 2), a constant.
///   - position: table row of the first token, a scalar; nil for 0.
/// - Returns: (B, L, 3 C).
public func rotaryEmbedding(
  packed qkv: Tensor, heads: Int, cosine: Tensor, sine: Tensor, position: IndexTensor? = nil
) -> Tensor {
  let (_, L, width) = qkv.dims3
  precondition(
    heads > 0 && width % (6 * heads) == 0,
    "rotaryEmbedding: expected q|k|v of \(heads) heads of even width, got \(qkv.shape)")
  let d = width / (3 * heads)
  let positions = cosine.dims2.0
  let start = position ?? IndexTensor(repeating: 0, [])
  precondition(
    cosine.shape == [positions, d / 2] && sine.shape == cosine.shape && L <= positions && start.shape == [],
    "rotaryEmbedding: tables (\(L) or more, \(d / 2)), got \(cosine.shape), \(sine.shape), position \(start.shape)")
  func apply(_ x: Tensor, transposed: Bool) -> Tensor {
    Tensor(
      run(
        .attention(.rotate(heads: heads, transposed: transposed)), x.storage, cosine.storage, sine.storage,
        start.storage))
  }
  return apply(qkv, transposed: false).recorded(from: [qkv]) { gradY, _ in [apply(gradY, transposed: true)] }
}
