/// Self-attention from packed rows q|k|v in which query i sees the first `counts[i]` keys and its own. No gradient.
///
/// With A the attention to the leading keys, l the log-sum-exp of their scores and s the score of the own key, the result
/// is `sigmoid(l - s) A + sigmoid(s - l) v_i`.
/// - Parameters:
///   - qkv: (B, L, 3 C).
///   - heads: number of heads, a divisor of C.
///   - scale: factor on the scores.
///   - counts: L numbers; the first is 1 (query 0 sees itself alone), the i-th from 1 to i.
/// - Returns: (B, L, C).
public func ownKeyAttention(packed qkv: Tensor, heads: Int, scale: Float, counts: [Int]) -> Tensor {
  let (B, L, width) = qkv.dims3
  let C = width / 3
  precondition(
    heads > 0 && width % (3 * heads) == 0 && counts.count == L
      && counts.enumerated().allSatisfy { 1...max($0.offset, 1) ~= $0.element },
    "ownKeyAttention: rows \(qkv.shape) of \(heads) heads with counts \(counts.prefix(8))")
  return withoutGradient {
    let form = AttentionForm(heads: heads, scale: scale, visibility: .counts(counts))
    let results = run(.attention(.packedAttention(form)), [qkv.storage]).map { Tensor($0) }
    let perHead: Shape = [B, L, heads, C / heads]
    let parts = qkv.split(axis: -1, [C, C, C]).map { $0.reshaped(perHead) }
    let own_BLH1 = (parts[0] * parts[1]).sum(axis: 3, keepingAxis: true) * scale
    let leading_BLH1 = results[1].permuted([0, 2, 1]).inserting(axis: 3)
    let share_BLH1 = ((own_BLH1 - leading_BLH1).exp() + 1).reciprocal()
    return (parts[2] + share_BLH1 * (results[0].reshaped(perHead) - parts[2])).reshaped([B, L, C])
  }
}
