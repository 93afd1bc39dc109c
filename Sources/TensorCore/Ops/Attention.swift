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
///   - visibility: which leading keys each query sees. Causal is `counts` of i + 1, block-causal the end of i's own block,
///     cached decoding `fromPosition`.
///   - position: place of the first query among the keys, a scalar, for `fromPosition`; no gradient then.
/// - Returns: (B, Lq, C).
public func attention(
  _ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int, scale: Float, visibility: Visibility = .all,
  position: IndexTensor? = nil
) -> Tensor {
  let (B, Lq, C) = q.dims3
  let Lk = k.dims3.1
  precondition(
    k.shape == [B, Lk, C] && v.shape == k.shape,
    "attention: q \(q.shape) wants k and v (\(B), Lk, \(C)), got \(k.shape), \(v.shape)")
  precondition(
    (visibility == .fromPosition) == (position != nil) && position?.shape ?? [] == [],
    "attention: visibility \(visibility) with position \(position?.shape ?? [])")
  let form = attentionForm(heads, width: C, scale, visibility, queries: Lq, keys: Lk)
  let operands = [q, k, v].map(\.storage)
  let results = run(.attention(.attention(form)), operands + (position.map { [$0.storage] } ?? []))
  return Tensor(results[0]).recorded(from: [q, k, v]) { gradO, wanted in
    precondition(position == nil, "attention: no gradient through a cache")
    var gradients = run(
      .attention(.attentionBackward(form, wanted: wanted)), operands + results + [gradO.storage])[...]
    return wanted.map { $0 ? gradients.popFirst().map { Tensor($0) } : nil }
  }
}

/// Self-attention that reads q, k and v in place from packed rows q|k|v, and writes their gradient packed.
/// - Parameters:
///   - qkv: (B, L, 3 C).
///   - heads: number of heads, a divisor of C.
///   - scale: factor on the scores.
///   - visibility: which leading keys each query sees.
/// - Returns: (B, L, C).
public func attention(packed qkv: Tensor, heads: Int, scale: Float, visibility: Visibility = .all) -> Tensor {
  let (_, L, width) = qkv.dims3
  precondition(width % 3 == 0, "attention: expected packed rows of 3 C, got \(qkv.shape)")
  precondition(visibility != .fromPosition, "attention: packed rows are the whole sequence")
  let form = attentionForm(heads, width: width / 3, scale, visibility, queries: L, keys: L)
  let results = run(.attention(.packedAttention(form)), [qkv.storage])
  return Tensor(results[0]).recorded(from: [qkv]) { gradO, _ in
    [Tensor(run(.attention(.packedAttentionBackward(form)), [qkv.storage] + results + [gradO.storage])[0])]
  }
}

private func attentionForm(
  _ heads: Int, width C: Int, _ scale: Float, _ visibility: Visibility, queries: Int, keys: Int
) -> AttentionForm {
  precondition(heads > 0 && C % heads == 0, "attention: \(heads) heads do not divide a width of \(C)")
  if case .counts(let visible) = visibility {
    precondition(
      visible.count == queries && visible.allSatisfy { 1...max(keys, 1) ~= $0 },
      "attention: expected \(queries) visible counts in 1...\(keys), got \(visible.count): \(visible.prefix(8))")
  }
  return AttentionForm(heads: heads, scale: scale, visibility: visibility)
}
