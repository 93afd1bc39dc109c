import CShims

extension CPUBackend {
  func run(_ kernel: ElementwiseKernel, _ x: [Storage], into y: Storage) {
    switch kernel {
    case .unary(let operation): unary(operation, x[0], y, count: y.count)
    case .unaryBackward(let operation): unaryBackward(operation, x: x[0], gradY: x[1], gradX: y, count: y.count)
    case .affine(let scale, let offset): affine(x[0], scale: scale, offset: offset, y, count: y.count)
    case .clamp(let low, let high): clamp(x[0], low: low, high: high, y, count: y.count)
    case .clampBackward(let low, let high):
      clampBackward(x: x[0], gradY: x[1], low: low, high: high, gradX: y, count: y.count)
    case .binary(let operation): binary(operation, x[0], x[1], y)
    case .compare(let comparison): compare(comparison, x[0], x[1], y)
    case .select: select(mask: x[0], x[1], x[2], y)
    case .imageBytes(let divisor): imageBytes(x[0], divisor: divisor, y)
    }
  }

  func unary(_ operation: UnaryOperation, _ x: Storage, _ y: Storage, count: Int) {
    let (x, y) = (x.host, y.host)
    pool.forEachRange(count, grain: Self.grain) { range in
      dd2_unary(operation.rawValue, x + range.lowerBound, y + range.lowerBound, range.count)
    }
  }

  func unaryBackward(
    _ operation: UnaryOperation, x: Storage, gradY: Storage, gradX: Storage, count: Int
  ) {
    let (x, gradY, gradX) = (x.host, gradY.host, gradX.host)
    pool.forEachRange(count, grain: Self.grain) { range in
      let start = range.lowerBound
      dd2_unary_backward(operation.rawValue, x + start, gradY + start, gradX + start, range.count)
    }
  }

  func affine(_ x: Storage, scale: Float, offset: Float, _ y: Storage, count: Int) {
    let (x, y) = (x.host, y.host)
    pool.forEachRange(count, grain: Self.grain) { range in
      dd2_affine(x + range.lowerBound, scale, offset, y + range.lowerBound, range.count)
    }
  }

  func clamp(_ x: Storage, low: Float, high: Float, _ y: Storage, count: Int) {
    let (x, y) = (x.host, y.host)
    pool.forEachRange(count, grain: Self.grain) { range in
      dd2_clamp(x + range.lowerBound, low, high, y + range.lowerBound, range.count)
    }
  }

  func clampBackward(
    x: Storage, gradY: Storage, low: Float, high: Float, gradX: Storage, count: Int
  ) {
    let (x, gradY, gradX) = (x.host, gradY.host, gradX.host)
    pool.forEachRange(count, grain: Self.grain) { range in
      let start = range.lowerBound
      dd2_clamp_backward(x + start, gradY + start, low, high, gradX + start, range.count)
    }
  }

  private func binary(_ operation: BinaryOperation, _ a: Storage, _ b: Storage, _ y: Storage) {
    let shape = y.type.shape
    let plan = BroadcastPlan(
      shape: shape.dimensions, aStrides: a.type.shape.broadcastStrides(to: shape),
      bStrides: b.type.shape.broadcastStrides(to: shape))
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

  private func compare(_ comparison: Comparison, _ a: Storage, _ b: Storage, _ y: Storage) {
    switch a.type.element {
    case .float32: compare(comparison, a.host, b.host, y)
    case .int32: compare(comparison, a.hostIntegers, b.hostIntegers, y)
    }
  }

  private func compare<Element: Comparable>(
    _ comparison: Comparison, _ a: UnsafeMutablePointer<Element>, _ b: UnsafeMutablePointer<Element>, _ y: Storage
  ) {
    let to = y.host
    pool.forEachRange(y.count, grain: Self.grain) { range in
      switch comparison {
      case .equal: for i in range { to[i] = a[i] == b[i] ? 1 : 0 }
      case .less: for i in range { to[i] = a[i] < b[i] ? 1 : 0 }
      }
    }
  }

  private func select(mask: Storage, _ a: Storage, _ b: Storage, _ y: Storage) {
    // Integers are copied as the Floats of their bits.
    let (mask, a, b, to) = (mask.host, a.host, b.host, y.host)
    pool.forEachRange(y.count, grain: Self.grain) { range in
      for i in range { to[i] = mask[i] != 0 ? a[i] : b[i] }
    }
  }

  private func imageBytes(_ x: Storage, divisor: Float, _ y: Storage) {
    pool.forEachRange(y.count, grain: Self.grain) { range in
      dd2_image_bytes(x.host + range.lowerBound, divisor, y.host + range.lowerBound, range.count)
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
