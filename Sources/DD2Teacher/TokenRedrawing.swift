import TensorCore

extension Teacher {
  /// One parallel pass of correction over whole sequences: a single teacher-forced call gives every token's conditional
  /// distribution under the sequence as it stands, and the tokens that it finds unlikely are drawn anew from there.
  ///
  /// A token is unlikely whose surprise, `-log p`, exceeds the entropy of p, the surprise to be expected, by more than
  /// `tolerance`. Tokens that pass are kept, so that most neighbours of a redrawn one are those that its distribution
  /// was given: redrawing all at once would tear apart what belongs together.
  /// - Parameters:
  ///   - ids_BL: token ids (B, L).
  ///   - tolerance: nats.
  ///   - step: number of the pass, which keys its random numbers: sample i depends on (seed, `indices[i]`) and its own
  ///     tokens alone.
  /// - Returns: (B, L)
  /// - Throws: `NonFiniteOutput`.
  public func redrawingUnlikely(
    ids_BL: IndexTensor, labels: [Int32], guidance: Guidance, tolerance: Float, seed: UInt64, step: Int, indices: [Int]
  ) throws -> IndexTensor {
    precondition(
      labels.count == indices.count, "redrawingUnlikely: \(labels.count) labels, \(indices.count) indices")
    return try withoutGradient {
      let logProbabilities_BLV = try guidance.checkedLogProbabilities(
        logits: logits(ids_BL: ids_BL, labels: labels, cfg: guidance.cfg))
      let entropy_BL = -(logProbabilities_BLV.exp() * logProbabilities_BLV).sum(axis: -1)
      let excess_BL = crossEntropy(logProbabilities_BLV, targets: ids_BL) - entropy_BL
      var streams = indices.map { RandomStream(seed: seed, purpose: "teacher.redraw", step: step, index: $0) }
      let drawn_BL = drawTokens(logProbabilities: logProbabilities_BLV, streams: &streams)
      let values = zip(excess_BL.elements, zip(ids_BL.values, drawn_BL.values)).map { $0 > tolerance ? $1.1 : $1.0 }
      return IndexTensor(values, ids_BL.shape)
    }
  }
}
