import Backbone
import TensorCore

extension Guidance {
  /// Applies temperature, top-k and top-p to logits and normalises: log-probabilities of the same shape (..., V).
  ///
  /// Removed tokens get a log-probability of about -1e9: weightless in every softmax, yet finite. Order as in the
  /// reference's `sample_with_top_k_top_p_`: top-k first, then top-p among what is left.
  func logProbabilities(logits: Tensor) -> Tensor {
    let tempered = temperature == 1 ? logits : logits / temperature
    guard topK > 0 || topP < 1 else { return tempered.logSoftmax() }
    return keepingLikely(tempered, topK: topK, topP: topP, removed: Self.removedLogProbability).logSoftmax()
  }

  /// As `logProbabilities(logits:)`, to draw tokens from: tokens chosen by NaN would look like any others.
  func logProbabilities(logits: Tensor, _ check: inout OutputCheck) -> Tensor {
    // Top-k and top-p would hide a logit of minus infinity, and a low temperature makes infinities of large ones.
    let logProbabilities = logProbabilities(logits: logits)
    check.add(logits)
    check.add(logProbabilities)
    return logProbabilities
  }

  /// What tokens that top-k or top-p removes have for a logit; normalised it stays about this.
  public static let removedLogProbability: Float = -1e9
}
