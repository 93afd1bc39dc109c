/// The codebook posterior; see `codebookPosteriorMean`.
public enum PosteriorKernel: Hashable, Sendable {
  /// x_t (K..., tokens..., D), t (K..., tokens...), log-probabilities (tokens..., V), codebook (V, D): the posterior mean, and
  /// what the backward pass needs, a number in two parts of Float (count of t, 2).
  case mean
  /// x_t, t, log-probabilities, codebook, mean, logSum, gradMean: those of the gradients of x_t and of the log-probabilities
  /// that are wanted.
  case meanBackward(wanted: [Bool])

  func results(of operands: [ArrayType]) -> [ArrayType] {
    switch self {
    case .mean: return [operands[0], ArrayType([operands[1].count, 2])]
    case .meanBackward(let wanted): return [operands[0], operands[2]].wanted(wanted)
    }
  }
}
