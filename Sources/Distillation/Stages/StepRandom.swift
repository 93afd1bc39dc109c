import TensorCore
import Training

/// Random draws of a training step, keyed by (seed, purpose, step) and a sequence's place in the batch: those of a pass are
/// the ones that its rows have in the whole batch.
struct StepRandom {
  let seed: UInt64
  let purpose: String
  let step: RandomCounter
  let pass: BatchPass

  /// The draws of another purpose at the same step.
  func with(purpose suffix: String) -> StepRandom {
    StepRandom(seed: seed, purpose: purpose + suffix, step: step, pass: pass)
  }

  private func numbers(_ suffix: String) -> RandomNumbers {
    RandomNumbers(seed: seed, purpose: purpose + suffix, step: step)
  }

  /// The numbers of the pass's rows among K batches laid end to end; nil for those that follow from where they stand.
  private func samples(_ K: Int) -> RandomCounter? {
    if pass.isWhole { return nil }
    return RandomCounter(
      perReplica: pass.rowsOfReplicas.flatMap { rows in
        (0..<K).flatMap { level in rows.map { level * pass.batch + $0 } }
      })
  }

  /// Times (K, B, L) in the range, each token its own.
  func times(_ K: Int, _ L: Int, in range: ClosedRange<Float>) -> Tensor {
    numbers(".t").uniform([K * pass.count, L], in: range.lowerBound..<range.upperBound, samples: samples(K))
      .reshaped([K, pass.count, L])
  }

  /// Unit noise (K, B, L, D).
  func noise(_ K: Int, _ L: Int, _ D: Int) -> Tensor {
    numbers(".noise").normal([K * pass.count, L, D], samples: samples(K)).reshaped([K, pass.count, L, D])
  }

  /// Class labels (B), uniform.
  func labels(classCount: Int) -> IndexTensor {
    let all = numbers(".labels").integers([1, pass.batch], below: classCount).reshaped([pass.batch])
    return pass.isWhole ? all : all.elements(at: IndexTensor(perReplica: pass.rows.map(Int32.init)))
  }
}
