import Foundation
import TensorCore

/// Cosines and sines of LlamaGen's two-dimensional rotary embedding (`precompute_freqs_cis_2d` of
/// `autoregressive/models/gpt.py`).
///
/// Row 0 belongs to the class token and is all zeros, so that its query and key vanish. Row i > 0 belongs to token
/// i - 1: the first half of a head's pairs turns with the token's row, the second half with its column.
struct RotaryTable: Sendable {
  /// (positions, d / 2)
  let cosine: Tensor
  /// (positions, d / 2)
  let sine: Tensor

  private static let base: Float = 10_000

  /// The table for the inputs of a `side` x `side` image: the class token and the first tokens.
  /// - Parameters:
  ///   - headWidth: d, a multiple of 4.
  ///   - tokens: how many; an auto-regressive network never reads the last.
  init(side: Int, headWidth: Int, tokens: Int) {
    precondition(
      headWidth > 0 && headWidth % 4 == 0, "RotaryTable: expected a head width that 4 divides, got \(headWidth)")
    let count = headWidth / 4
    let frequencies = (0..<count).map { 1 / pow(Self.base, Float(2 * $0) / Float(headWidth / 2)) }
    let classRow = [Float](repeating: 0, count: 2 * count)
    var (cosines, sines) = (classRow, classRow)
    for token in 0..<tokens {
      for place in [token / side, token % side] {
        cosines += frequencies.map { cos(Float(place) * $0) }
        sines += frequencies.map { sin(Float(place) * $0) }
      }
    }
    let shape = Shape([tokens + 1, 2 * count])
    (cosine, sine) = (Tensor(cosines, shape), Tensor(sines, shape))
  }
}
