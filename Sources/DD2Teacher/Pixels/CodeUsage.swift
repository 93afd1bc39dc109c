import TensorCore

/// Replaces codes that nothing is assigned to by vectors that the encoder produces (dead-code restart).
public struct CodeUsage: Sendable {
  /// Running average of how many of a batch's tokens each code takes.
  public private(set) var averages: [Float]

  private static let decay: Float = 0.95

  /// No code used yet.
  public init(vocabulary: Int) { averages = Array(repeating: 0, count: vocabulary) }

  /// Continues from saved averages.
  public init(averages: [Float]) { self.averages = averages }

  /// Adds the tokens of a batch.
  public mutating func record(_ ids: IndexTensor) {
    for code in averages.indices { averages[code] *= Self.decay }
    for id in ids.values { averages[Int(id)] += 1 - Self.decay }
  }

  /// Part of the codes in use: those with at least `threshold` tokens per batch on average.
  public func usedFraction(threshold: Float) -> Double {
    Double(averages.count { $0 >= threshold }) / Double(averages.count)
  }

  /// Moves every code below `threshold` to a random query of a random scale, in place.
  /// - Returns: how many were moved.
  public mutating func restart(
    embedding_VD: Tensor, queries: [Tensor], threshold: Float, stream: inout RandomStream
  ) -> Int {
    let dead = averages.indices.filter { averages[$0] < threshold }
    guard !dead.isEmpty else { return 0 }
    let D = embedding_VD.shape[1]
    let sources = queries.map(\.elements)
    var table = embedding_VD.elements
    for code in dead {
      let source = sources[stream.integer(below: sources.count)]
      let row = stream.integer(below: source.count / D)
      table.replaceSubrange(code * D..<(code + 1) * D, with: source[(row * D)..<((row + 1) * D)])
      averages[code] = threshold * 2
    }
    embedding_VD.assign(Tensor(table, embedding_VD.shape))
    return dead.count
  }
}
