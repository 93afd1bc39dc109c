/// What random numbers are for: seed and purpose, mixed. Streams of different keys are independent.
public struct RandomKey: Hashable, Sendable {
  /// Philox's key, low word in front.
  public var words: (UInt32, UInt32) { (UInt32(truncatingIfNeeded: mixed), UInt32(truncatingIfNeeded: mixed >> 32)) }
  private let mixed: UInt64

  /// The key of a purpose, such as `"generator.noise"`, under a run's seed.
  public init(seed: UInt64, purpose: String) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in purpose.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    mixed = Self.mix(seed &+ Self.mix(hash))
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// Distributions that a stream's bits become.
public enum RandomDistribution: Hashable, Sendable {
  /// Standard normal (Box-Muller), Float32.
  case normal
  /// Uniform in [low, high), 24 bits, Float32.
  case uniform(low: Float, high: Float)
  /// Uniform in `0..<below`, Int32.
  case integers(below: Int)
}

/// Counter-based random numbers (`RandomStream`), bit for bit the host's.
public enum RandomKernel: Hashable, Sendable {
  /// step (2) and, or not, rows (n, 2), both Int32, each number as its low and its high word: an array (n, ...) whose row i
  /// comes from the stream of sample `rows[i]`, or of sample i.
  case draw(RandomDistribution, RandomKey, Shape)

  func results(of operands: [ArrayType]) -> [ArrayType] {
    switch self {
    case .draw(.integers, _, let shape): return [ArrayType(shape, .int32)]
    case .draw(_, _, let shape): return [ArrayType(shape)]
    }
  }
}

/// Choosing tokens.
public enum ChoiceKernel: Hashable, Sendable {
  /// logits (..., V): those that top-k and top-p remove replaced by a number; see `keepingLikely`.
  case keepLikely(topK: Int, topP: Float, removed: Float)
  /// log-probabilities (..., V), uniform numbers in [0, 1) (...): the token (...) at which the cumulative distribution passes
  /// the number.
  case draw

  func results(of operands: [ArrayType]) -> [ArrayType] {
    switch self {
    case .keepLikely: return [operands[0]]
    case .draw: return [ArrayType(operands[1].shape, .int32)]
    }
  }
}
