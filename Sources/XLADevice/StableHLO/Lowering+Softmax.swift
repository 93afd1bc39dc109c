import TensorCore

extension Lowering {
  mutating func run(_ kernel: SoftmaxKernel, _ x: [HLOValue]) -> [HLOValue] {
    let axis = x[0].shape.count - 1
    switch kernel {
    case .softmax:
      let (e, _) = shiftedExponentials(x[0])
      return [w.divide(e, w.sumRepeated(e, axes: [axis]))]
    case .softmaxBackward:
      let dot = w.sumRepeated(w.multiply(x[0], x[1]), axes: [axis])
      return [w.multiply(x[0], w.subtract(x[1], dot))]
    case .logSoftmax: return [w.subtract(x[0], w.repeated(logSumExp(x[0]), over: [axis], like: x[0]))]
    case .logSoftmaxBackward:
      let sum = w.sumRepeated(x[1], axes: [axis])
      return [w.subtract(x[1], w.multiply(w.unary("exponential", x[0]), sum))]
    case .crossEntropy:
      let logSum = logSumExp(x[0])
      let isTarget = isTarget(x[1], like: x[0])
      let chosen = w.sum(w.select(isTarget, x[0], w.constant(0, like: x[0])), axes: [axis])
      return [w.subtract(logSum, chosen), logSum]
    case .crossEntropyBackward:
      let p = w.unary("exponential", w.subtract(x[0], w.repeated(x[2], over: [axis], like: x[0])))
      let one = w.convert(isTarget(x[1], like: x[0]), .f32)
      return [w.multiply(w.repeated(x[3], over: [axis], like: x[0]), w.subtract(p, one))]
    }
  }

  /// `exp(x - max)` and the maximum, repeated, over the last axis.
  private mutating func shiftedExponentials(_ x: HLOValue) -> (e: HLOValue, top: HLOValue) {
    let axis = x.shape.count - 1
    let top = w.repeated(w.reduce("maximum", x, axes: [axis], from: -.infinity), over: [axis], like: x)
    return (w.unary("exponential", w.subtract(x, top)), top)
  }

  /// Over the last axis.
  mutating func logSumExp(_ x: HLOValue) -> HLOValue {
    let axis = x.shape.count - 1
    let top = w.reduce("maximum", x, axes: [axis], from: -.infinity)
    let e = w.unary("exponential", w.subtract(x, w.repeated(top, over: [axis], like: x)))
    return w.add(w.unary("log", w.sum(e, axes: [axis])), top)
  }

  private mutating func isTarget(_ targets: HLOValue, like x: HLOValue) -> HLOValue {
    let axis = x.shape.count - 1
    let ids = w.iota(x.type.with(.i32), axis: axis)
    return w.compare("EQ", ids, w.repeated(targets, over: [axis], like: ids))
  }
}
