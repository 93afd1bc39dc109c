import Backbone
import Foundation
import TensorCore

extension Guidance {
  /// Applies temperature, top-k and top-p to logits and normalises: log-probabilities of the same shape (..., V).
  ///
  /// Removed tokens get a log-probability of about -1e9: weightless in every softmax, yet finite. Order as in the
  /// reference's `sample_with_top_k_top_p_`: top-k first, then top-p among what is left.
  func logProbabilities(logits: Tensor) -> Tensor {
    let tempered = temperature == 1 ? logits : logits / temperature
    guard topK > 0 || topP < 1 else { return tempered.logSoftmax() }
    let V = tempered.shape.last
    var values = tempered.elements
    for row in 0..<(values.count / V) {
      let range = row * V..<(row + 1) * V
      filter(&values[range])
    }
    return Tensor(values, tempered.shape).logSoftmax()
  }

  /// As `logProbabilities(logits:)`, to draw tokens from: tokens chosen by NaN would look like any others.
  /// - Throws: `NonFiniteOutput` where the transformer's logits or their log-probabilities are not finite.
  func checkedLogProbabilities(logits: Tensor) throws(NonFiniteOutput) -> Tensor {
    let network = "teacher's transformer"
    // Top-k and top-p would hide a logit of minus infinity, and a low temperature makes infinities of large ones.
    return try logProbabilities(logits: logits.checked(outputOf: network)).checked(outputOf: network)
  }

  /// What tokens that top-k or top-p removes have for a logit; normalised it stays about this.
  public static let removedLogProbability: Float = -1e9

  private func filter(_ logits: inout ArraySlice<Float>) {
    var sorted = logits.sorted(by: >)
    if topK > 0, topK < sorted.count {
      let threshold = sorted[topK - 1]
      for i in logits.indices where logits[i] < threshold { logits[i] = Self.removedLogProbability }
      sorted.removeAll { $0 < threshold }
    }
    guard topP < 1, let largest = sorted.first else { return }
    let weights = sorted.map { Double(exp($0 - largest)) }
    let total = weights.reduce(0, +)
    var mass = 0.0
    var kept = 0
    // The token that crosses the mass stays, so at least one always does.
    while kept < weights.count, mass < Double(topP) * total {
      mass += weights[kept]
      kept += 1
    }
    let threshold = sorted[max(kept - 1, 0)]
    for i in logits.indices where logits[i] < threshold { logits[i] = Self.removedLogProbability }
  }
}

/// Draws one token per row by inverting the cumulative distribution.
/// - Parameters:
///   - logProbabilities: (B, l, V), normalised.
///   - streams: one per sample, advanced by l draws.
/// - Returns: (B, l)
func drawTokens(logProbabilities: Tensor, streams: inout [RandomStream]) -> IndexTensor {
  let (B, l, V) = logProbabilities.dims3
  precondition(streams.count == B, "drawTokens: \(streams.count) streams for \(B) samples")
  let probabilities = logProbabilities.exp().elements
  var ids = [Int32](repeating: 0, count: B * l)
  probabilities.withUnsafeBufferPointer { p in
    for row in 0..<(B * l) {
      let target = streams[row / l].uniform()
      var mass: Float = 0
      var chosen = -1
      var last = 0
      for j in 0..<V where p[row * V + j] > 0 {
        last = j
        mass += p[row * V + j]
        if mass > target {
          chosen = j
          break
        }
      }
      ids[row] = Int32(chosen >= 0 ? chosen : last)
    }
  }
  return IndexTensor(ids, [B, l])
}

extension TokenLayout {
  /// The tokens (B, l) of each stage that a prefix (B, n) covers; it must end with a stage before the last.
  func stagesCovered(by prefix: IndexTensor?) -> [IndexTensor] {
    guard let prefix else { return [] }
    let covered = stages.dropLast().filter { $0.upperBound <= prefix.shape[1] }
    precondition(covered.last?.upperBound == prefix.shape[1], "prefix \(prefix.shape) ends within a stage of \(stages)")
    return covered.map(prefix.columns)
  }
}
