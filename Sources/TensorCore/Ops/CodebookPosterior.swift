/// The teacher's knowledge about a noised token, in closed form (DD2, arXiv 2510.21003, section 4.1): with
/// `x_t = (1-t) q + t noise` and q = c_j with probability p_j, the posterior mean of q is `sum_j w_j c_j`,
/// `w = softmax_j(log p_j - |x_t - (1-t) c_j|^2 / (2 t^2))`.
///
/// It is attention with query x_t, keys and values the codebook and additive bias log p, and is computed as flash
/// attention is: nothing of the size of w is ever stored; the backward pass recomputes it.
///
/// Backward, with g the mean's gradient and `h_j = (c_j - mean).g`: `gradX = (1-t)/t^2 sum_j w_j h_j (c_j - mean)`,
/// `gradLogP_j = sum over noise levels of w_j h_j`. No gradient flows to t or to the codebook.
/// - Parameters:
///   - x_t: (K, B, L, D), or any leading axes that end in those of `logProbabilities`.
///   - t: (K, B, L), each in (0, 1].
///   - logProbabilities: (B, L, V), need not be normalised; -infinity excludes a code.
///   - codebook: (V, D).
/// - Returns: the shape of x_t.
public func codebookPosteriorMean(_ x_t: Tensor, t: Tensor, logProbabilities: Tensor, codebook: Tensor) -> Tensor {
  let (V, D) = codebook.dims2
  let leading = Array(x_t.shape.dimensions.dropLast())
  let tokens = Array(logProbabilities.shape.dimensions.dropLast())
  precondition(
    x_t.shape.last == D && logProbabilities.shape.last == V && Array(leading.suffix(tokens.count)) == tokens,
    "codebookPosteriorMean: codebook (\(V), \(D)) wants x_t (..., tokens, \(D)) and log-probabilities (tokens, \(V)), "
      + "got \(x_t.shape), \(logProbabilities.shape)")
  precondition(
    t.shape.dimensions == leading, "codebookPosteriorMean: x_t \(x_t.shape) wants t \(leading), got \(t.shape)")
  let operands = [x_t, t, logProbabilities, codebook].map(\.storage)
  let results = run(.posterior(.mean), operands)
  return Tensor(results[0]).recorded(from: [x_t, logProbabilities]) { gradient, wanted in
    var gradients = run(
      .posterior(.meanBackward(wanted: wanted)), operands + results + [gradient.storage])[...]
    return wanted.map { $0 ? gradients.popFirst().map { Tensor($0) } : nil }
  }
}

/// Velocity of the probability flow, `(x_t - x0) / t`.
/// - Parameters:
///   - x0: posterior mean or prediction, (K, B, L, D).
///   - x_t: (K, B, L, D).
///   - t: (K, B, L).
public func flowVelocity(x0: Tensor, x_t: Tensor, t: Tensor) -> Tensor {
  (x_t - x0) / t.reshaped(Shape(t.shape.dimensions + [1]))
}
