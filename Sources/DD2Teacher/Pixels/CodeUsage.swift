import TensorCore

/// Replaces codes that nothing is assigned to by vectors that the encoder produces (dead-code restart).
public struct CodeUsage: Sendable {
  /// Running average of how many of a batch's tokens each code takes, (V); changes in place.
  public let averages_V: Tensor

  private static let decay: Float = 0.95

  /// No code used yet.
  public init(vocabulary: Int) { averages_V = Tensor.zeros([vocabulary]) }

  /// Adds the tokens of a batch.
  public func record(_ ids: IndexTensor) {
    averages_V.assign(averages_V * Self.decay + ids.histogram(averages_V.count) * (1 - Self.decay))
  }

  /// Part of the codes in use, those with at least `threshold` tokens per batch on average: a scalar.
  public func usedFraction(threshold: Float) -> Tensor { 1 - isDead(threshold).mean() }

  /// Moves every code below `threshold` to a random query of a random scale, in place.
  /// - Parameters:
  ///   - embedding_VD: the codes.
  ///   - queries: (N, D) per scale.
  ///   - step: keys the random choice.
  /// - Returns: how many were moved, a scalar.
  public func restart(
    embedding_VD: Tensor, queries: [Tensor], threshold: Float, seed: UInt64, step: RandomCounter
  ) -> Tensor {
    let (V, D) = embedding_VD.dims2
    func chosen(_ what: String, below bound: Int) -> IndexTensor {
      RandomNumbers(seed: seed, purpose: "tokenizer.restart." + what, step: step).integers([1, V], below: bound)
        .reshaped([V])
    }
    let isDead_V = isDead(threshold)
    let scales_V = chosen("scale", below: queries.count)
    var sources_VD = queries[0].gatherRows(chosen("row", below: queries[0].shape[0]))
    for (scale, queries_ND) in queries.enumerated().dropFirst() {
      let isOfScale_V = scales_V.equals(IndexTensor(repeating: scale, [V]))
      sources_VD = sources_VD.replaced(
        by: queries_ND.gatherRows(chosen("row", below: queries_ND.shape[0])), where: isOfScale_V.repeated(D))
    }
    embedding_VD.assign(embedding_VD.stopGradient().replaced(by: sources_VD, where: isDead_V.repeated(D)))
    averages_V.assign(averages_V.replaced(by: Tensor(repeating: threshold * 2, [V]), where: isDead_V))
    return isDead_V.sum()
  }

  private func isDead(_ threshold: Float) -> Tensor {
    averages_V.isLess(than: Tensor(repeating: threshold, averages_V.shape))
  }
}

extension Tensor {
  /// A mask (V) for each of D columns.
  fileprivate func repeated(_ D: Int) -> Tensor { inserting(axis: 1).broadcast(to: [count, D]) }
}
