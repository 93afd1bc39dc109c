import TensorCore

extension Tensor {
  /// Standard normal numbers: row i of the first axis is that of sample `firstIndex + i`.
  public static func normal(
    _ shape: Shape, seed: UInt64, purpose: String, step: Int = 0, firstIndex: Int = 0
  ) -> Tensor {
    RandomNumbers(seed: seed, purpose: purpose, step: RandomCounter(step))
      .normal(shape, samples: RandomCounter((0..<shape[0]).map { firstIndex + $0 }))
  }

  /// Uniform numbers in [low, high), as `normal(_:seed:purpose:step:firstIndex:)`.
  public static func uniform(
    _ shape: Shape, low: Float, high: Float, seed: UInt64, purpose: String, step: Int = 0, firstIndex: Int = 0
  ) -> Tensor {
    RandomNumbers(seed: seed, purpose: purpose, step: RandomCounter(step))
      .uniform(shape, in: low..<high, samples: RandomCounter((0..<shape[0]).map { firstIndex + $0 }))
  }

  /// Whether all elements are finite.
  public var isFinite: Bool { finiteness.item == 1 }
}
