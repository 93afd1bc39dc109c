/// Softmax, log-softmax and cross-entropy over the last axis.
public enum SoftmaxKernel: Hashable, Sendable {
  /// x: `exp(x) / sum exp(x)`
  case softmax
  /// y, gradY: `y (gradY - y.gradY)`
  case softmaxBackward
  /// x: `x - log sum exp(x)`
  case logSoftmax
  /// y, gradY: `gradY - exp(y) sum gradY`
  case logSoftmaxBackward
  /// x (..., V), targets (...): the losses `logSum - x[target]` and `logSum = log sum exp(x)`, both (...).
  case crossEntropy
  /// x, targets, logSum, gradLoss: `gradLoss (exp(x - logSum) - [target])`
  case crossEntropyBackward

  func results(of operands: [ArrayType]) -> [ArrayType] {
    switch self {
    case .softmax, .softmaxBackward, .logSoftmax, .logSoftmaxBackward, .crossEntropyBackward: return [operands[0]]
    case .crossEntropy:
      let loss = ArrayType(operands[1].shape)
      return [loss, loss]
    }
  }
}
