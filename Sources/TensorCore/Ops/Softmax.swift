extension Tensor {
  /// Softmax over the last axis: `y = exp(x) / sum exp(x)`, any shape.
  ///
  /// Backward: `gradX = y (gradY - sum y gradY)`.
  public func softmax() -> Tensor {
    let (rows, width) = (shape.rows, shape.last)
    let y = empty(shape)
    backend.softmax(storage, into: y.storage, rows: rows, width: width)
    return y.recorded(from: [self]) { gradY, _ in
      let gradX = y.empty(y.shape)
      y.backend.softmaxBackward(
        y: y.storage, gradY: gradY.storage, gradX: gradX.storage, rows: rows, width: width)
      return [gradX]
    }
  }

  /// Logarithm of the softmax over the last axis: `y = x - log sum exp(x)`, any shape.
  ///
  /// Backward: `gradX = gradY - exp(y) sum gradY`.
  public func logSoftmax() -> Tensor {
    let (rows, width) = (shape.rows, shape.last)
    let y = empty(shape)
    backend.logSoftmax(storage, into: y.storage, rows: rows, width: width)
    return y.recorded(from: [self]) { gradY, _ in
      let gradX = y.empty(y.shape)
      y.backend.logSoftmaxBackward(
        y: y.storage, gradY: gradY.storage, gradX: gradX.storage, rows: rows, width: width)
      return [gradX]
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
  let (rows, width) = (logits.shape.rows, logits.shape.last)
  let ids = targets.values
  precondition(
    ids.allSatisfy { $0 >= 0 && Int($0) < width },
    "crossEntropy: expected targets in 0..<\(width), got \(ids.first { $0 < 0 || Int($0) >= width } ?? 0)")
  let loss = logits.empty(leading)
  let logSum = logits.empty(leading)
  logits.backend.crossEntropy(
    logits.storage, targets: ids, loss: loss.storage, logSum: logSum.storage, rows: rows, width: width)
  return loss.recorded(from: [logits]) { gradLoss, _ in
    let gradX = logits.empty(logits.shape)
    logits.backend.crossEntropyBackward(
      logits.storage, targets: ids, logSum: logSum.storage, gradLoss: gradLoss.storage, gradX: gradX.storage,
      rows: rows, width: width)
    return [gradX]
  }
}
