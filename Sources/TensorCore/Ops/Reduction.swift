extension Tensor {
  /// Sum over one axis (negative counts from the end), kept as extent 1 or dropped. Backward repeats the gradient.
  public func sum(axis: Int, keepingAxis: Bool = false) -> Tensor {
    let axis = axis < 0 ? axis + shape.rank : axis
    precondition(shape.dimensions.indices.contains(axis), "sum: axis \(axis) of shape \(shape)")
    let input = shape
    let y = Tensor(run(.reduction(.sum(axis: axis)), storage))
    let summed = y.recorded(from: [self]) { gradient, _ in [gradient.broadcast(to: input)] }
    return keepingAxis ? summed : summed.dropping(axis: axis)
  }

  /// Mean over one axis.
  public func mean(axis: Int, keepingAxis: Bool = false) -> Tensor {
    sum(axis: axis, keepingAxis: keepingAxis) / Float(shape[axis])
  }

  /// Sum of all elements, a scalar.
  public func sum() -> Tensor {
    let input = shape
    // Rows first, so that large tensors are summed by all threads.
    let rows = max(1, min(64, count / 4096))
    let isCut = rows > 1 && count % rows == 0
    let y = withoutGradient {
      isCut
        ? reshaped([rows, count / rows]).sum(axis: 1).sum(axis: 0) : reshaped([count]).sum(axis: 0)
    }
    return y.recorded(from: [self]) { gradient, _ in [gradient.broadcast(to: input)] }
  }

  /// Mean of all elements, a scalar.
  public func mean() -> Tensor { sum() / Float(count) }

  /// Index of the largest element along the last axis, which is dropped; the first one on ties.
  public func argmax() -> IndexTensor { IndexTensor(run(.reduction(.argmax), storage)) }

  /// Repeats axes of extent 1 (and missing leading axes) up to `target`; backward sums over them.
  public func broadcast(to target: Shape) -> Tensor {
    if shape == target { return self }
    precondition(
      Shape.broadcast(shape, target) == target, "broadcast: \(shape) does not broadcast to \(target)")
    let input = shape
    let y = Tensor(run(.movement(.broadcast(target)), storage))
    return y.recorded(from: [self]) { gradient, _ in [gradient.sum(to: input)] }
  }

  /// Sums over the axes along which `target` would be repeated to give this shape: the adjoint of `broadcast(to:)`.
  public func sum(to target: Shape) -> Tensor {
    if shape == target { return self }
    precondition(
      Shape.broadcast(shape, target) == shape, "sum(to:): \(target) does not broadcast to \(shape)")
    var result = self
    let extra = shape.rank - target.rank
    if extra > 0 {
      let outer = shape.dimensions[..<extra].reduce(1, *)
      let rest = Shape(Array(shape.dimensions[extra...]))
      result = result.reshaped(Shape([outer] + rest.dimensions)).sum(axis: 0)
    }
    // Neighbouring repeated axes are summed in one pass.
    var axis = 0
    while axis < target.rank {
      guard target[axis] == 1, result.shape[axis] != 1 else {
        axis += 1
        continue
      }
      var end = axis + 1
      while end < target.rank, target[end] == 1 { end += 1 }
      let joined = result.shape.dimensions[axis..<end].reduce(1, *)
      let dims = result.shape.dimensions
      let ones = [Int](repeating: 1, count: end - axis)
      result = result.reshaped(Shape(Array(dims[..<axis]) + [joined] + Array(dims[end...])))
        .sum(axis: axis, keepingAxis: true)
        .reshaped(Shape(Array(dims[..<axis]) + ones + Array(dims[end...])))
      axis = end
    }
    return result
  }

  /// Root of the sum of squares of all elements, in Double: a scalar.
  public static func globalNorm(_ tensors: [Tensor]) -> Tensor {
    Tensor(run(.reduction(.globalNorm), tensors.map(\.storage))[0])
  }

  /// 1 where every element is finite, else 0: a scalar.
  public var finiteness: Tensor { Tensor(run(.reduction(.allFinite), storage)) }
}
