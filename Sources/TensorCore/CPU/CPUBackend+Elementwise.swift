import CShims

extension CPUBackend {
  public func unary(_ operation: UnaryOperation, _ x: Storage, _ y: Storage, count: Int) {
    let (x, y) = (x.host, y.host)
    pool.forEachRange(count, grain: Self.grain) { range in
      dd2_unary(operation.rawValue, x + range.lowerBound, y + range.lowerBound, range.count)
    }
  }

  public func unaryBackward(
    _ operation: UnaryOperation, x: Storage, gradY: Storage, gradX: Storage, count: Int
  ) {
    let (x, gradY, gradX) = (x.host, gradY.host, gradX.host)
    pool.forEachRange(count, grain: Self.grain) { range in
      let start = range.lowerBound
      dd2_unary_backward(operation.rawValue, x + start, gradY + start, gradX + start, range.count)
    }
  }

  public func affine(_ x: Storage, scale: Float, offset: Float, _ y: Storage, count: Int) {
    let (x, y) = (x.host, y.host)
    pool.forEachRange(count, grain: Self.grain) { range in
      dd2_affine(x + range.lowerBound, scale, offset, y + range.lowerBound, range.count)
    }
  }

  public func imageBytes(_ x: Storage, divisor: Float, into y: Storage, count: Int) {
    let (x, y) = (x.host, y.host)
    pool.forEachRange(count, grain: Self.grain) { range in
      dd2_image_bytes(x + range.lowerBound, divisor, y + range.lowerBound, range.count)
    }
  }

  public func clamp(_ x: Storage, low: Float, high: Float, _ y: Storage, count: Int) {
    let (x, y) = (x.host, y.host)
    pool.forEachRange(count, grain: Self.grain) { range in
      dd2_clamp(x + range.lowerBound, low, high, y + range.lowerBound, range.count)
    }
  }

  public func clampBackward(
    x: Storage, gradY: Storage, low: Float, high: Float, gradX: Storage, count: Int
  ) {
    let (x, gradY, gradX) = (x.host, gradY.host, gradX.host)
    pool.forEachRange(count, grain: Self.grain) { range in
      let start = range.lowerBound
      dd2_clamp_backward(x + start, gradY + start, low, high, gradX + start, range.count)
    }
  }

  public func binary(
    _ operation: BinaryOperation, _ a: Storage, _ aStrides: [Int], _ b: Storage, _ bStrides: [Int],
    _ y: Storage, shape: [Int]
  ) {
    let plan = BroadcastPlan(shape: shape, aStrides: aStrides, bStrides: bStrides)
    let (a, b, y) = (a.host, b.host, y.host)
    if plan.outer.isEmpty {
      pool.forEachRange(plan.inner, grain: Self.grain) { range in
        let start = range.lowerBound
        dd2_binary(
          operation.rawValue, a + start * plan.innerA, plan.innerA, b + start * plan.innerB, plan.innerB,
          y + start, range.count)
      }
      return
    }
    pool.forEachRange(plan.outerCount, grain: max(1, Self.grain / max(plan.inner, 1))) { range in
      for run in range {
        let (offsetA, offsetB) = plan.offsets(of: run)
        dd2_binary(
          operation.rawValue, a + offsetA, plan.innerA, b + offsetB, plan.innerB, y + run * plan.inner,
          plan.inner)
      }
    }
  }
}

/// A broadcast operation as runs of the innermost axis: axes that all operands traverse evenly are joined first.
private struct BroadcastPlan {
  var outer: [(extent: Int, a: Int, b: Int)] = []
  var inner = 1
  var innerA = 0
  var innerB = 0

  init(shape: [Int], aStrides: [Int], bStrides: [Int]) {
    var axes: [(extent: Int, a: Int, b: Int)] = []
    for axis in shape.indices where shape[axis] != 1 {
      let next = (extent: shape[axis], a: aStrides[axis], b: bStrides[axis])
      if let last = axes.last, last.a == next.a * next.extent, last.b == next.b * next.extent {
        axes[axes.count - 1] = (last.extent * next.extent, next.a, next.b)
      } else {
        axes.append(next)
      }
    }
    if let last = axes.popLast() {
      (inner, innerA, innerB) = last
      precondition(innerA <= 1 && innerB <= 1, "binary: innermost strides \(innerA), \(innerB)")
    }
    outer = axes
  }

  var outerCount: Int { outer.reduce(1) { $0 * $1.extent } }

  func offsets(of run: Int) -> (Int, Int) {
    var rest = run
    var (offsetA, offsetB) = (0, 0)
    for axis in outer.reversed() {
      let position = rest % axis.extent
      rest /= axis.extent
      offsetA += position * axis.a
      offsetB += position * axis.b
    }
    return (offsetA, offsetB)
  }
}
