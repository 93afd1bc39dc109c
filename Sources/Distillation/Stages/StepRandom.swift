import TensorCore

/// Random draws of a training step, keyed by (seed, purpose, step).
struct StepRandom {
  let seed: UInt64
  let purpose: String
  let step: Int

  /// Times (K, B, L) in the range, each token its own.
  func times(_ K: Int, _ B: Int, _ L: Int, in range: ClosedRange<Float>) -> Tensor {
    Tensor.uniform(
      [K * B, L], low: range.lowerBound, high: range.upperBound, seed: seed, purpose: purpose + ".t", step: step
    ).reshaped([K, B, L])
  }

  /// Unit noise (K, B, L, D).
  func noise(_ K: Int, _ B: Int, _ L: Int, _ D: Int) -> Tensor {
    Tensor.normal([K * B, L, D], seed: seed, purpose: purpose + ".noise", step: step).reshaped([K, B, L, D])
  }

  /// Class labels, uniform.
  func labels(_ B: Int, classCount: Int) -> [Int32] {
    var stream = RandomStream(seed: seed, purpose: purpose + ".labels", step: step)
    return (0..<B).map { _ in Int32(stream.integer(below: classCount)) }
  }
}
