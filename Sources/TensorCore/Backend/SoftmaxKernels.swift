/// Softmax, log-softmax and cross-entropy over rows of (rows, width).
public protocol SoftmaxKernels {
  /// `y = exp(x) / sum exp(x)`
  func softmax(_ x: Storage, into y: Storage, rows: Int, width: Int)
  /// `gradX = y (gradY - y.gradY)`
  func softmaxBackward(y: Storage, gradY: Storage, gradX: Storage, rows: Int, width: Int)
  /// `y = x - log sum exp(x)`
  func logSoftmax(_ x: Storage, into y: Storage, rows: Int, width: Int)
  /// `gradX = gradY - exp(y) sum gradY`
  func logSoftmaxBackward(y: Storage, gradY: Storage, gradX: Storage, rows: Int, width: Int)
  /// `loss = logSum - x[target]`, `logSum = log sum exp(x)`, both (rows).
  func crossEntropy(
    _ x: Storage, targets: [Int32], loss: Storage, logSum: Storage, rows: Int, width: Int)
  /// `gradX = gradLoss (exp(x - logSum) - [target])`
  func crossEntropyBackward(
    _ x: Storage, targets: [Int32], logSum: Storage, gradLoss: Storage, gradX: Storage, rows: Int, width: Int)
}
