import TensorCore

extension Lowering {
  mutating func run(_ kernel: ReductionKernel, _ x: [HLOValue]) -> [HLOValue] {
    switch kernel {
    case .sum(let axis):
      var shape = x[0].shape
      shape[axis] = 1
      return [w.reshape(w.sum(x[0], axes: [axis]), shape)]
    case .argmax: return [argmax(x[0])]
    case .allFinite:
      let flags = w.value(
        "stablehlo.is_finite \(x[0].name)", "(\(x[0].type.text)) -> \(x[0].type.with(.i1).text)", x[0].type.with(.i1))
      return [w.convert(w.reduce("and", flags, axes: Array(flags.shape.indices), from: 1), .f32)]
    case .globalNorm:
      // In Double, as the CPU sums them.
      let squares = x.map { x -> HLOValue in
        let wide = w.convert(x, .f64)
        return w.sum(w.multiply(wide, wide), axes: Array(x.shape.indices))
      }
      let each = w.concatenate(squares.map { w.reshape($0, [1]) }, axis: 0)
      return [w.convert(w.unary("sqrt", w.sum(each, axes: [0])), .f32), w.convert(each, .f32)]
    }
  }

  /// Index of the largest element along the last axis, the first one on ties.
  mutating func argmax(_ x: HLOValue) -> HLOValue {
    let axis = x.shape.count - 1
    let largest = w.repeated(w.reduce("maximum", x, axes: [axis], from: -.infinity), over: [axis], like: x)
    let indices = w.iota(x.type.with(.i32), axis: axis)
    let none = w.constant(Double(max(x.shape[axis] - 1, 0)), like: indices)
    return w.reduce(
      "minimum", w.select(w.compare("EQ", x, largest), indices, none), axes: [axis], from: Double(Int32.max))
  }
}
