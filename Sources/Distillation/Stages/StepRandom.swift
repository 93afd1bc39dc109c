import TensorCore

/// Random draws of a training step, keyed by (seed, purpose, step).
struct StepRandom {
  let seed: UInt64
  let purpose: String
  let step: RandomCounter

  /// The draws of another purpose at the same step.
  func with(purpose suffix: String) -> StepRandom { StepRandom(seed: seed, purpose: purpose + suffix, step: step) }

  private func numbers(_ suffix: String) -> RandomNumbers {
    RandomNumbers(seed: seed, purpose: purpose + suffix, step: step)
  }

  /// Times (K, B, L) in the range, each token its own.
  func times(_ K: Int, _ B: Int, _ L: Int, in range: ClosedRange<Float>) -> Tensor {
    numbers(".t").uniform([K * B, L], in: range.lowerBound..<range.upperBound).reshaped([K, B, L])
  }

  /// Unit noise (K, B, L, D).
  func noise(_ K: Int, _ B: Int, _ L: Int, _ D: Int) -> Tensor {
    numbers(".noise").normal([K * B, L, D]).reshaped([K, B, L, D])
  }

  /// Class labels (B), uniform.
  func labels(_ B: Int, classCount: Int) -> IndexTensor {
    numbers(".labels").integers([1, B], below: classCount).reshaped([B])
  }
}
