import TensorCore

/// Replaces codes that nothing is assigned to by vectors that the encoder produces (dead-code restart).
public struct CodeUsage: Sendable {
  /// Running average of how many of a batch's tokens each code takes, (V); changes in place.
  public let averages_V: Tensor

  private static let decay: Float = 0.95

  /// No code used yet.
  public init(vocabulary: Int) { averages_V = Tensor.zeros([vocabulary]) }

  /// Adds the tokens of a batch, those of all replicas.
  public func record(_ ids: IndexTensor) {
    let counts_V = summedOverReplicas([ids.histogram(averages_V.count)])[0]
    averages_V.assign(averages_V * Self.decay + counts_V * (1 - Self.decay))
  }

  /// Part of the codes in use, those with at least `threshold` tokens per batch on average: a scalar.
  public func usedFraction(threshold: Float) -> Tensor { 1 - isDead(threshold).mean() }

  /// Moves every code below `threshold` to a random query of a random scale, in place: to the same one in all replicas,
  /// whichever has it.
  /// - Parameters:
  ///   - embedding_VD: the codes.
  ///   - queries: (N, D) per scale; those of all replicas are chosen from, one replica after the other.
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
    func rows(_ queries_ND: Tensor) -> Tensor {
      let all = ReplicaRows(queries_ND)
      return all.rows(chosen("row", below: all.count))
    }
    var sources_VD = rows(queries[0])
    for (scale, queries_ND) in queries.enumerated().dropFirst() {
      let isOfScale_V = scales_V.equals(IndexTensor(repeating: scale, [V]))
      sources_VD = sources_VD.replaced(by: rows(queries_ND), where: isOfScale_V.repeated(D))
    }
    sources_VD = summedOverReplicas([sources_VD])[0]
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

/// The rows (N, D) of all replicas, one replica after the other, as each of them has its own.
private struct ReplicaRows {
  let own_ND: Tensor
  /// Of all replicas.
  var count: Int { own_ND.shape[0] * own_ND.replicaCount }

  init(_ own_ND: Tensor) { self.own_ND = own_ND }

  /// Rows of the given numbers; zeros where another replica has one.
  func rows(_ numbers: IndexTensor) -> Tensor {
    guard own_ND.replicaCount > 1 else { return own_ND.gatherRows(numbers) }
    let (N, D) = own_ND.dims2
    // Where each row lies in a replica: behind its own ones, where zeros are added, if it is another's.
    let places = Backends.current.replicas.here.flatMap { replica in
      (0..<count).map { Int32($0 / N == replica ? $0 % N : N) }
    }
    return Tensor.concatenated([own_ND, .zeros([1, D])], axis: 0)
      .gatherRows(IndexTensor(perReplica: places).elements(at: numbers))
  }
}
