/// Attention in token layout, heads side by side in a row: per sample and head
/// `o_i = sum_j softmax_j(scale q_i.k_j) v_j` over the keys j that query i sees.
///
/// Scores exist only in tiles; the backward pass recomputes them from the saved log-sum-exp. With P the weights and
/// `D_i = gradO_i.o_i`: `gradV = P^T gradO`, `gradS = P (gradO v^T - D)`, `gradQ = scale gradS k`,
/// `gradK = scale gradS^T q`.
/// - Parameters:
///   - q: (B, Lq, C).
///   - k: (B, Lk, C).
///   - v: (B, Lk, C).
///   - heads: number of heads, a divisor of C.
///   - scale: factor on the scores.
///   - visible: per query the number of leading keys it sees, in `1...Lk`; nil: all. Causal is i + 1, block-causal the
///     end of i's own block, cached decoding the tokens so far.
/// - Returns: (B, Lq, C).
public func attention(
  _ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int, scale: Float, visible: [Int]? = nil
) -> Tensor {
  let (B, Lq, C) = q.dims3
  let Lk = k.dims3.1
  precondition(
    k.shape == [B, Lk, C] && v.shape == k.shape,
    "attention: q \(q.shape) wants k and v (\(B), Lk, \(C)), got \(k.shape), \(v.shape)")
  let extents = attentionExtents(B, Lq, Lk, C, heads, scale, visible)
  func rows(_ tensor: Tensor) -> TokenRows { TokenRows(tensor.storage, rowStride: C) }
  let o = q.empty(q.shape)
  let logSum = q.empty([B, heads, Lq])
  o.backend.attention(rows(q), rows(k), rows(v), into: o.storage, logSum: logSum.storage, extents)
  return o.recorded(from: [q, k, v]) { gradO, wanted in
    let gradients = zip([q, k, v], wanted).map { $1 ? $0.empty($0.shape) : nil }
    o.backend.attentionBackward(
      rows(q), rows(k), rows(v), o: o.storage, logSum: logSum.storage, gradO: gradO.storage,
      gradQ: gradients[0].map(rows), gradK: gradients[1].map(rows), gradV: gradients[2].map(rows), extents)
    return gradients
  }
}

/// Self-attention that reads q, k and v in place from packed rows q|k|v, and writes their gradient packed.
/// - Parameters:
///   - qkv: (B, L, 3 C).
///   - heads: number of heads, a divisor of C.
///   - scale: factor on the scores.
///   - visible: per query the number of leading keys it sees, in `1...L`; nil: all.
/// - Returns: (B, L, C).
public func attention(packed qkv: Tensor, heads: Int, scale: Float, visible: [Int]? = nil) -> Tensor {
  let (B, L, width) = qkv.dims3
  precondition(width % 3 == 0, "attention: expected packed rows of 3 C, got \(qkv.shape)")
  let C = width / 3
  let extents = attentionExtents(B, L, L, C, heads, scale, visible)
  func rows(_ tensor: Tensor, _ part: Int) -> TokenRows {
    TokenRows(tensor.storage, offset: part * C, rowStride: width)
  }
  let o = qkv.empty([B, L, C])
  let logSum = qkv.empty([B, heads, L])
  o.backend.attention(
    rows(qkv, 0), rows(qkv, 1), rows(qkv, 2), into: o.storage, logSum: logSum.storage, extents)
  return o.recorded(from: [qkv]) { gradO, _ in
    let gradient = qkv.empty(qkv.shape)
    o.backend.attentionBackward(
      rows(qkv, 0), rows(qkv, 1), rows(qkv, 2), o: o.storage, logSum: logSum.storage, gradO: gradO.storage,
      gradQ: rows(gradient, 0), gradK: rows(gradient, 1), gradV: rows(gradient, 2), extents)
    return [gradient]
  }
}

private func attentionExtents(
  _ B: Int, _ Lq: Int, _ Lk: Int, _ C: Int, _ heads: Int, _ scale: Float, _ visible: [Int]?
) -> AttentionExtents {
  precondition(heads > 0 && C % heads == 0, "attention: \(heads) heads do not divide a width of \(C)")
  if let visible {
    precondition(
      visible.count == Lq && visible.allSatisfy { 1...max(Lk, 1) ~= $0 },
      "attention: expected \(Lq) visible counts in 1...\(Lk), got \(visible.count): \(visible.prefix(8))")
  }
  return AttentionExtents(
    batch: B, heads: heads, queries: Lq, keys: Lk, headWidth: C / heads, scale: scale, visible: visible)
}
