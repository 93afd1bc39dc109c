import TensorCore

extension Lowering {
  mutating func run(_ kernel: ElementwiseKernel, _ x: [HLOValue]) -> HLOValue {
    switch kernel {
    case .unary(let operation): return unary(operation, x[0])
    case .unaryBackward(let operation):
      let input = operation.isActivation ? kept(x[0]) : x[0]
      return w.multiply(x[1], derivative(operation, input))
    case .affine(let scale, let offset):
      let scaled = scale == 1 ? x[0] : w.multiply(x[0], Double(scale))
      return offset == 0 ? scaled : w.add(scaled, Double(offset))
    case .clamp(let low, let high):
      let above = w.binary("maximum", x[0], w.constant(Double(low), like: x[0]))
      return w.binary("minimum", above, w.constant(Double(high), like: x[0]))
    case .clampBackward(let low, let high):
      let isAbove = w.compare("GE", x[0], w.constant(Double(low), like: x[0]))
      let isBelow = w.compare("LE", x[0], w.constant(Double(high), like: x[0]))
      return w.select(w.binary("and", isAbove, isBelow), x[1], w.constant(0, like: x[1]))
    case .binary(let operation):
      guard let shape = Shape.broadcast(Shape(x[0].shape), Shape(x[1].shape)) else {
        preconditionFailure("binary: \(x[0].type.text) and \(x[1].type.text)")
      }
      let (a, b) = (w.broadcast(x[0], shape.dimensions), w.broadcast(x[1], shape.dimensions))
      switch operation {
      case .add: return w.add(a, b)
      case .subtract: return w.subtract(a, b)
      case .multiply: return w.multiply(a, b)
      case .divide: return w.divide(a, b)
      }
    case .compare(let comparison):
      return w.convert(w.compare(comparison == .equal ? "EQ" : "LT", x[0], x[1]), .f32)
    case .select: return w.select(w.compare("NE", x[0], w.constant(0, like: x[0])), x[1], x[2])
    case .imageBytes(let divisor):
      let bytes = w.unary("round_nearest_even", w.multiply(w.add(x[0], 1), 127.5))
      let above = w.binary("maximum", bytes, w.constant(0, like: bytes))
      let clamped = w.binary("minimum", above, w.constant(255, like: bytes))
      return w.divide(clamped, w.constant(Double(divisor), like: bytes))
    }
  }

  mutating func unary(_ operation: UnaryOperation, _ x: HLOValue) -> HLOValue {
    switch operation {
    case .exp: return w.unary("exponential", x)
    case .sqrt: return w.unary("sqrt", x)
    case .reciprocal: return w.divide(w.constant(1, like: x), x)
    case .square: return w.multiply(x, x)
    case .abs: return w.unary("abs", x)
    case .silu: return w.multiply(x, w.unary("logistic", x))
    case .gelu:
      let (t, _) = geluTanh(x)
      return w.multiply(w.multiply(x, 0.5), w.add(t, 1))
    case .sin: return w.unary("sine", x)
    case .cos: return w.unary("cosine", x)
    case .log: return w.unary("log", x)
    case .relu: return w.binary("maximum", x, w.constant(0, like: x))
    }
  }

  /// `tanh(sqrt(2/pi) (x + 0.044715 x^3))` and the derivative of what is inside.
  private mutating func geluTanh(_ x: HLOValue) -> (t: HLOValue, inner: HLOValue) {
    let (root, cubic) = (0.7978845608, 0.044715)
    let squared = w.multiply(x, x)
    let inside = w.multiply(w.add(x, w.multiply(w.multiply(squared, x), cubic)), root)
    return (w.unary("tanh", inside), w.multiply(w.add(w.multiply(squared, 3 * cubic), 1), root))
  }

  private mutating func derivative(_ operation: UnaryOperation, _ x: HLOValue) -> HLOValue {
    switch operation {
    case .exp: return w.unary("exponential", x)
    case .sqrt: return w.divide(w.constant(0.5, like: x), w.unary("sqrt", x))
    case .reciprocal: return w.divide(w.constant(-1, like: x), w.multiply(x, x))
    case .square: return w.multiply(x, 2)
    case .abs: return w.unary("sign", x)
    case .silu:
      let s = w.unary("logistic", x)
      let rest = w.subtract(w.constant(1, like: s), s)
      return w.multiply(s, w.add(w.multiply(x, rest), 1))
    case .gelu:
      let (t, inner) = geluTanh(x)
      let slope = w.subtract(w.constant(1, like: t), w.multiply(t, t))
      return w.add(
        w.multiply(w.add(t, 1), 0.5), w.multiply(w.multiply(x, 0.5), w.multiply(slope, inner)))
    case .sin: return w.unary("cosine", x)
    case .cos: return w.unary("negate", w.unary("sine", x))
    case .log: return w.divide(w.constant(1, like: x), x)
    case .relu: return w.convert(w.compare("GT", x, w.constant(0, like: x)), .f32)
    }
  }
}

extension UnaryOperation {
  /// Whether networks apply it to hidden states; the others are of losses, times and small vectors.
  fileprivate var isActivation: Bool { [.silu, .gelu, .relu].contains(self) }
}
