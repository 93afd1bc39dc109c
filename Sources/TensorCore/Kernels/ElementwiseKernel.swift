/// Functions of one variable. Raw values are the CPU kernel's operation codes.
public enum UnaryOperation: Int32, Sendable {
  case exp = 0
  case sqrt, reciprocal, square, abs, silu, gelu, sin, cos, log, relu
}

/// Functions of two variables. Raw values are the CPU kernel's operation codes.
public enum BinaryOperation: Int32, Sendable {
  case add = 0
  case subtract, multiply, divide
}

/// Comparisons of two numbers: 1 where they hold, else 0.
public enum Comparison: Sendable {
  case equal, less
}

/// Elementwise arithmetic.
public enum ElementwiseKernel: Hashable, Sendable {
  /// x: `f(x)`
  case unary(UnaryOperation)
  /// x, gradY: `gradY f'(x)`
  case unaryBackward(UnaryOperation)
  /// x: `scale x + offset`
  case affine(scale: Float, offset: Float)
  /// x: `clamp(x, low, high)`
  case clamp(low: Float, high: Float)
  /// x, gradY: gradY where `low <= x <= high`, else 0.
  case clampBackward(low: Float, high: Float)
  /// a, b, broadcast by NumPy's rule: `f(a, b)`
  case binary(BinaryOperation)
  /// a, b of one shape, both Float32 or both Int32: a Float32 mask of ones and zeros.
  case compare(Comparison)
  /// mask (Float32), a, b of one shape: a where the mask is not zero, else b.
  case select
  /// x in [-1, 1]: `round((x + 1) 127.5) / divisor`, the bytes 0 to 255 that pixels were.
  case imageBytes(divisor: Float)

  func results(of operands: [ArrayType]) -> [ArrayType] {
    switch self {
    case .unary, .unaryBackward, .affine, .clamp, .clampBackward, .imageBytes: return [operands[0]]
    case .compare: return [ArrayType(operands[0].shape)]
    case .select: return [operands[1]]
    case .binary(let operation):
      let (a, b) = (operands[0].shape, operands[1].shape)
      guard let shape = Shape.broadcast(a, b) else {
        preconditionFailure("\(operation): shapes \(a) and \(b) do not broadcast")
      }
      return [ArrayType(shape)]
    }
  }
}
