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
    ids_BL: IndexTensor, labels: IndexTensor, guidance: Guidance, tolerance: Float, seed: UInt64, step: Int,
    indices: [Int]
  ) throws -> IndexTensor {
    precondition(
      labels.count == indices.count, "redrawingUnlikely: \(labels.count) labels, \(indices.count) indices")
    return try OutputCheck.step(.teacherTransformer) { check in
      withoutGradient {
        let logProbabilities_BLV = guidance.logProbabilities(
          logits: logits(ids_BL: ids_BL, labels: labels, cfg: guidance.cfg), &check)
        let entropy_BL = -(logProbabilities_BLV.exp() * logProbabilities_BLV).sum(axis: -1)
        let excess_BL = crossEntropy(logProbabilities_BLV, targets: ids_BL) - entropy_BL
        let uniform_BL = RandomNumbers(seed: seed, purpose: "teacher.redraw", step: RandomCounter(step))
          .uniform(ids_BL.shape, samples: RandomCounter(indices))
        let isUnlikely_BL = Tensor(repeating: tolerance, ids_BL.shape).isLess(than: excess_BL)
        return ids_BL.replaced(by: drawTokens(logProbabilities_BLV, uniform: uniform_BL), where: isUnlikely_BL)
      }
    }
  }
}
