import TensorCore

/// How the times of noised tokens lie in their range.
public enum TimeDistribution: String, Codable, CaseIterable, Sendable {
  /// Evenly.
  case uniform
  /// The logistic function of a standard normal number, stretched to the range: most in its middle (Esser et al. 2024).
  case logitNormal = "logit-normal"
}

/// Random draws of a training step, keyed by (seed, purpose, step).
struct StepRandom {
  let seed: UInt64
  let purpose: String
  let step: Int

  /// Times (K, B, L) in the range, each token its own.
  func times(
    _ K: Int, _ B: Int, _ L: Int, in range: ClosedRange<Float>, _ distribution: TimeDistribution = .uniform
  ) -> Tensor {
    let (low, high) = (range.lowerBound, range.upperBound)
    switch distribution {
    case .uniform:
      return Tensor.uniform([K * B, L], low: low, high: high, seed: seed, purpose: purpose + ".t", step: step)
        .reshaped([K, B, L])
    case .logitNormal:
      // A standard normal number and its negative are alike: no sign before the exponent.
      let number = Tensor.normal([K * B, L], seed: seed, purpose: purpose + ".t", step: step).reshaped([K, B, L])
      return (number.exp() + 1).reciprocal() * (high - low) + low
    }
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
