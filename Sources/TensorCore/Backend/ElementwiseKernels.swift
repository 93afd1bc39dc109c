/// Functions of one variable. Raw values are the kernel's operation codes.
public enum UnaryOperation: Int32, Sendable {
  case exp = 0
  case sqrt, reciprocal, square, abs, silu, gelu, sin, cos, relu
}

/// Functions of two variables. Raw values are the kernel's operation codes.
public enum BinaryOperation: Int32, Sendable {
  case add = 0
  case subtract, multiply, divide
}

/// Elementwise arithmetic.
public protocol ElementwiseKernels {
  /// `y = f(x)`
  func unary(_ operation: UnaryOperation, _ x: Storage, _ y: Storage, count: Int)
  /// `gradX = gradY f'(x)`
  func unaryBackward(
    _ operation: UnaryOperation, x: Storage, gradY: Storage, gradX: Storage, count: Int)
  /// `y = scale x + offset`
  func affine(_ x: Storage, scale: Float, offset: Float, _ y: Storage, count: Int)
  /// `y = round((x + 1) 127.5) / divisor`: the bytes 0 to 255 that pixels in [-1, 1] were.
  func imageBytes(_ x: Storage, divisor: Float, into y: Storage, count: Int)
  /// `y = f(a, b)` over `shape`, operands read with the given strides (0 repeats an axis).
  func binary(
    _ operation: BinaryOperation, _ a: Storage, _ aStrides: [Int], _ b: Storage, _ bStrides: [Int],
    _ y: Storage, shape: [Int])
  /// `y = clamp(x, low, high)`
  func clamp(_ x: Storage, low: Float, high: Float, _ y: Storage, count: Int)
  /// `gradX = gradY` where `low <= x <= high`, else 0.
  func clampBackward(x: Storage, gradY: Storage, low: Float, high: Float, gradX: Storage, count: Int)
}
