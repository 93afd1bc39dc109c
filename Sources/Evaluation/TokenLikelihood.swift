import DD2Teacher
import Foundation
import TeacherModels
import TensorCore

/// How likely a teacher finds token sequences, each token given the clean ones of earlier stages.
public struct TokenLikelihood: Sendable {
  /// Mean over all tokens of the negative log-likelihood, in nats.
  public let meanNLL: Double
  /// Number of sequences.
  public let sequences: Int
  /// Tokens of a sequence.
  public let tokensPerSequence: Int
  /// Strength of classifier-free guidance.
  public let cfg: Float

  /// Exponential of `meanNLL`.
  public var perplexity: Double { exp(meanNLL) }

  /// Measures sequences, a few at a time.
  /// - Parameters:
  ///   - tokens: ids and labels that the teacher knows.
  ///   - progress: called with the rows done and their logits (rows, L, V), guided.
  /// - Throws: what `progress` throws.
  public static func measure(
    _ tokens: TokenSet, teacher: any Teacher, cfg: Float, progress: (Range<Int>, Tensor) throws -> Void
  ) throws -> TokenLikelihood {
    let step = teacher.sequencesAtOnce
    var total = 0.0
    for start in stride(from: 0, to: tokens.count, by: step) {
      let rows = start..<min(start + step, tokens.count)
      let batch = tokens.batch(Array(rows))
      let (logits_BLV, nll_BL) = Backends.step {
        withoutGradient {
          let logits_BLV = teacher.logits(ids_BL: batch.ids, labels: batch.labels, cfg: cfg)
          return (logits_BLV, crossEntropy(logits_BLV, targets: batch.ids))
        }
      }
      total += nll_BL.elements.reduce(0) { $0 + Double($1) }
      try progress(rows, logits_BLV)
    }
    return TokenLikelihood(
      meanNLL: total / Double(tokens.ids.shape.count), sequences: tokens.count,
      tokensPerSequence: tokens.ids.shape[1], cfg: cfg)
  }
}
