/// The teacher's knowledge about a noised token, in closed form (DD2, section 4.1).
public struct CodebookPosterior {
  /// Posterior mean `x0 = sum_j w_j c_j`, the shape of x_t.
  public let mean: Tensor
  /// Log-density of x_t under the mixture, the shape of t.
  public let logDensity: Tensor
}

/// Posterior of the clean token given a noised one: with `x_t = (1-t) q + t noise` and q = c_j with probability p_j,
/// the density of x_t is `sum_j p_j N(x_t; (1-t) c_j, t^2 I)`, and with
/// `w = softmax_j(log p_j - |x_t - (1-t) c_j|^2 / (2 t^2))` the mean of q is `sum_j w_j c_j`.
///
/// It is attention with query x_t, keys and values the codebook and additive bias log p, and is computed as flash
/// attention is: nothing of the size of w is ever stored; the backward pass recomputes it.
///
/// Backward, with g the mean's gradient, `h_j = (c_j - mean).g` and e the log-density's gradient:
/// `gradX = (1-t)/t^2 sum_j w_j h_j (c_j - mean) - e (x_t - (1-t) mean) / t^2`,
/// `gradLogP_j = sum over noise levels of w_j (h_j + e)`. No gradient flows to t or to the codebook.
/// - Parameters:
///   - x_t: (K, B, L, D), or any leading axes that end in those of `logProbabilities`.
///   - t: (K, B, L), each in (0, 1].
///   - logProbabilities: (B, L, V), taken as given: the density is right only if they are normalised, the mean does not
///     depend on it. -infinity excludes a code.
///   - codebook: (V, D).
/// - Returns: `mean` (K, B, L, D) and `logDensity` (K, B, L).
public func codebookPosterior(
  _ x_t: Tensor, t: Tensor, logProbabilities: Tensor, codebook: Tensor
) -> CodebookPosterior {
  let (V, D) = codebook.dims2
  let leading = Array(x_t.shape.dimensions.dropLast())
  let tokens = Array(logProbabilities.shape.dimensions.dropLast())
  precondition(
    x_t.shape.last == D && logProbabilities.shape.last == V && Array(leading.suffix(tokens.count)) == tokens,
    "codebookPosterior: codebook (\(V), \(D)) wants x_t (..., tokens, \(D)) and log-probabilities (tokens, \(V)), "
      + "got \(x_t.shape), \(logProbabilities.shape)")
  precondition(
    t.shape.dimensions == leading, "codebookPosterior: x_t \(x_t.shape) wants t \(leading), got \(t.shape)")
  let rows = logProbabilities.shape.rows
  let extents = PosteriorExtents(levels: rows == 0 ? 0 : t.count / rows, rows: rows, codes: V, width: D)
  let inputs = PosteriorInputs(
    x: x_t.storage, t: t.storage, logProbabilities: logProbabilities.storage, codebook: codebook.storage)
  let mean = x_t.empty(x_t.shape)
  let logDensity = x_t.empty(t.shape)
  let logSum = x_t.empty([t.count, 2])
  x_t.backend.codebookPosterior(
    inputs, mean: mean.storage, logDensity: logDensity.storage, logSum: logSum.storage, extents)
  let outputs = Tensor.recorded([mean, logDensity], from: [x_t, logProbabilities]) { gradients, wanted in
    let gradX = wanted[0] ? x_t.empty(x_t.shape) : nil
    let gradLogP = wanted[1] ? x_t.empty(logProbabilities.shape) : nil
    let gradDensity = gradients.count > 1 ? gradients[1] : nil
    x_t.backend.codebookPosteriorBackward(
      inputs, mean: mean.storage, logSum: logSum.storage, gradMean: gradients[0]?.storage,
      gradDensity: gradDensity?.storage, gradX: gradX?.storage, gradLogProbabilities: gradLogP?.storage,
      extents)
    return [gradX, gradLogP]
  }
  return CodebookPosterior(mean: outputs[0], logDensity: outputs[1])
}

extension CodebookPosterior {
  /// Score of the noised density, `-(x_t - (1-t) x0) / t^2`.
  /// - Parameters:
  ///   - x0: posterior mean or prediction, (K, B, L, D).
  ///   - x_t: (K, B, L, D).
  ///   - t: (K, B, L).
  public static func score(x0: Tensor, x_t: Tensor, t: Tensor) -> Tensor {
    let t = t.reshaped(Shape(t.shape.dimensions + [1]))
    return ((1 - t) * x0 - x_t) / (t * t)
  }

  /// Velocity of the probability flow, `(x_t - x0) / t`; shapes as for `score`.
  public static func velocity(x0: Tensor, x_t: Tensor, t: Tensor) -> Tensor {
    (x_t - x0) / t.reshaped(Shape(t.shape.dimensions + [1]))
  }
}
