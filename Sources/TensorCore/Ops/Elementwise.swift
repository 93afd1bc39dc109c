// Elementwise ops. Forward `y = f(x)`; backward `gradX = gradY f'(x)`, from the saved input.

extension Tensor {
  private func unary(_ operation: UnaryOperation) -> Tensor {
    let x = storage
    return Tensor(run(.elementwise(.unary(operation)), x)).recorded(from: [self]) { gradient, _ in
      [Tensor(run(.elementwise(.unaryBackward(operation)), x, gradient.storage))]
    }
  }

  /// `e^x`, any shape.
  public func exp() -> Tensor { unary(.exp) }
  /// Natural logarithm, any shape.
  public func log() -> Tensor { unary(.log) }
  /// Square root, any shape.
  public func sqrt() -> Tensor { unary(.sqrt) }
  /// `1 / x`, any shape.
  public func reciprocal() -> Tensor { unary(.reciprocal) }
  /// `x^2`, any shape.
  public func square() -> Tensor { unary(.square) }
  /// `|x|`, any shape; gradient 0 at 0.
  public func abs() -> Tensor { unary(.abs) }
  /// `x / (1 + e^-x)`, any shape.
  public func silu() -> Tensor { unary(.silu) }
  /// GELU in its tanh form (PyTorch's `approximate="tanh"`), any shape.
  public func gelu() -> Tensor { unary(.gelu) }
  /// Sine, any shape, in radians.
  public func sin() -> Tensor { unary(.sin) }
  /// `max(x, 0)`, any shape; gradient 0 at 0.
  public func relu() -> Tensor { unary(.relu) }
  /// Cosine, any shape, in radians.
  public func cos() -> Tensor { unary(.cos) }

  /// `scale x + offset`; backward `scale gradY`.
  public func affine(scale: Float, offset: Float) -> Tensor {
    Tensor(run(.elementwise(.affine(scale: scale, offset: offset)), storage)).recorded(from: [self]) { gradient, _ in
      [gradient.affine(scale: scale, offset: 0)]
    }
  }

  /// `min(max(x, low), high)`; the gradient passes where `low <= x <= high`.
  public func clamp(_ low: Float, _ high: Float) -> Tensor {
    let x = storage
    return Tensor(run(.elementwise(.clamp(low: low, high: high)), x)).recorded(from: [self]) { gradient, _ in
      [Tensor(run(.elementwise(.clampBackward(low: low, high: high)), x, gradient.storage))]
    }
  }
}

// Binary ops broadcast by NumPy's rule; each gradient is summed over the axes along which its operand was repeated.

private func binary(_ operation: BinaryOperation, _ a: Tensor, _ b: Tensor) -> Tensor {
  Tensor(run(.elementwise(.binary(operation)), a.storage, b.storage))
}

extension Tensor {
  /// `a + b`; the gradient goes to both.
  public static func + (a: Tensor, b: Tensor) -> Tensor {
    let (aShape, bShape) = (a.shape, b.shape)
    return binary(.add, a, b).recorded(from: [a, b]) { gradient, wanted in
      [wanted[0] ? gradient.sum(to: aShape) : nil, wanted[1] ? gradient.sum(to: bShape) : nil]
    }
  }

  /// `a - b`; gradients `g` and `-g`.
  public static func - (a: Tensor, b: Tensor) -> Tensor {
    let (aShape, bShape) = (a.shape, b.shape)
    return binary(.subtract, a, b).recorded(from: [a, b]) { gradient, wanted in
      [wanted[0] ? gradient.sum(to: aShape) : nil, wanted[1] ? (-gradient).sum(to: bShape) : nil]
    }
  }

  /// `a b`; gradients `g b` and `g a`.
  public static func * (a: Tensor, b: Tensor) -> Tensor {
    let (left, right) = (a.stopGradient(), b.stopGradient())
    return binary(.multiply, a, b).recorded(from: [a, b]) { gradient, wanted in
      [
        wanted[0] ? (gradient * right).sum(to: left.shape) : nil,
        wanted[1] ? (gradient * left).sum(to: right.shape) : nil,
      ]
    }
  }

  /// `a / b`; gradients `g / b` and `-g a / b^2`.
  public static func / (a: Tensor, b: Tensor) -> Tensor {
    let (left, right) = (a.stopGradient(), b.stopGradient())
    return binary(.divide, a, b).recorded(from: [a, b]) { gradient, wanted in
      [
        wanted[0] ? (gradient / right).sum(to: left.shape) : nil,
        wanted[1] ? (-(gradient * left / right.square())).sum(to: right.shape) : nil,
      ]
    }
  }

  /// `-x`
  public static prefix func - (x: Tensor) -> Tensor { x.affine(scale: -1, offset: 0) }
  /// `x + s`
  public static func + (x: Tensor, s: Float) -> Tensor { x.affine(scale: 1, offset: s) }
  /// `x - s`
  public static func - (x: Tensor, s: Float) -> Tensor { x.affine(scale: 1, offset: -s) }
  /// `s - x`
  public static func - (s: Float, x: Tensor) -> Tensor { x.affine(scale: -1, offset: s) }
  /// `s x`
  public static func * (x: Tensor, s: Float) -> Tensor { x.affine(scale: s, offset: 0) }
  /// `s x`
  public static func * (s: Float, x: Tensor) -> Tensor { x.affine(scale: s, offset: 0) }
  /// `x / s`
  public static func / (x: Tensor, s: Float) -> Tensor { x.affine(scale: 1 / s, offset: 0) }
}

/// The bytes 0 to 255, over `divisor`, that pixels in [-1, 1] were. No gradient.
public func imageBytes(_ x: Tensor, divisor: Float = 1) -> Tensor {
  Tensor(run(.elementwise(.imageBytes(divisor: divisor)), x.storage))
}
