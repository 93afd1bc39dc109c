extension Tensor {
  /// Softmax over the last axis: `y = exp(x) / sum exp(x)`, any shape.
  ///
  /// Backward: `gradX = y (gradY - sum y gradY)`.
  public func softmax() -> Tensor {
    let y = run(.softmax(.softmax), storage)
    return Tensor(y).recorded(from: [self]) { gradY, _ in
      [Tensor(run(.softmax(.softmaxBackward), y, gradY.storage))]
    }
  }

  /// Logarithm of the softmax over the last axis: `y = x - log sum exp(x)`, any shape.
  ///
  /// Backward: `gradX = gradY - exp(y) sum gradY`.
  public func logSoftmax() -> Tensor {
    let y = run(.softmax(.logSoftmax), storage)
    return Tensor(y).recorded(from: [self]) { gradY, _ in
      [Tensor(run(.softmax(.logSoftmaxBackward), y, gradY.storage))]
    }
  }
}

/// Negative log-likelihood of each target under the softmax of its logits: `log sum_j exp(x_j) - x_target`.
///
/// Backward from the saved log-sum-exp: `gradX_j = gradLoss (exp(x_j - logSum) - [j = target])`; probabilities are
/// never stored.
/// - Parameters:
///   - logits: (..., V).
///   - targets: (...), each in `0..<V`.
/// - Returns: (...), one loss per row.
public func crossEntropy(_ logits: Tensor, targets: IndexTensor) -> Tensor {
  let leading = Shape(Array(logits.shape.dimensions.dropLast()))
  precondition(
    logits.shape.rank >= 1 && targets.shape == leading,
    "crossEntropy: logits \(logits.shape) want targets \(leading), got \(targets.shape)")
  let operands = [logits.storage, targets.storage]
  let results = run(.softmax(.crossEntropy), operands)
  return Tensor(results[0]).recorded(from: [logits]) { gradLoss, _ in
    [Tensor(run(.softmax(.crossEntropyBackward), operands + [results[1], gradLoss.storage])[0])]
  }
}
