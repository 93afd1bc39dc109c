extension Tensor {
  /// The same elements under another shape of equal count; no copy.
  public func reshaped(_ target: Shape) -> Tensor {
    precondition(target.count == count, "reshaped: \(shape) has \(count) elements, \(target) \(target.count)")
    let input = shape
    return Tensor(shape: target, storage: storage).recorded(from: [self]) { gradient, _ in
      [gradient.reshaped(input)]
    }
  }

  /// Drops an axis of extent 1.
  public func dropping(axis: Int) -> Tensor {
    let axis = axis < 0 ? axis + shape.rank : axis
    precondition(shape[axis] == 1, "dropping: axis \(axis) of shape \(shape)")
    var dimensions = shape.dimensions
    dimensions.remove(at: axis)
    return reshaped(Shape(dimensions))
  }

  /// Inserts an axis of extent 1 before `axis`.
  public func inserting(axis: Int) -> Tensor {
    var dimensions = shape.dimensions
    dimensions.insert(1, at: axis < 0 ? axis + shape.rank + 1 : axis)
    return reshaped(Shape(dimensions))
  }

  /// Reorders the axes: axis i of the result is axis `order[i]` of the input. Backward applies the inverse order.
  public func permuted(_ order: [Int]) -> Tensor {
    precondition(order.sorted() == Array(0..<shape.rank), "permuted: order \(order) for shape \(shape)")
    let target = Shape(order.map { shape[$0] })
    let strides = shape.strides
    let y = empty(target)
    backend.gatherStrided(
      storage, strides: order.map { strides[$0] }, shape: target.dimensions, into: y.storage)
    var inverse = [Int](repeating: 0, count: order.count)
    for (position, axis) in order.enumerated() { inverse[axis] = position }
    return y.recorded(from: [self]) { gradient, _ in [gradient.permuted(inverse)] }
  }

  /// The part of an axis within `range`. Backward pads the gradient with zeros.
  public func sliced(axis: Int, _ range: Range<Int>) -> Tensor {
    let axis = axis < 0 ? axis + shape.rank : axis
    precondition(
      range.lowerBound >= 0 && range.upperBound <= shape[axis],
      "sliced: \(range) of axis \(axis) of shape \(shape)")
    if range == 0..<shape[axis] { return self }
    let input = shape
    let blocks = AxisBlocks(shape, axis: axis)
    let y = empty(shape.replacing(axis: axis, with: range.count))
    backend.copyRows(
      storage, offset: range.lowerBound * blocks.inner, pitch: shape[axis] * blocks.inner, to: y.storage,
      offset: 0, pitch: range.count * blocks.inner, rows: blocks.outer, width: range.count * blocks.inner)
    return y.recorded(from: [self]) { gradient, _ in
      let padded = Tensor.zeros(input)
      padded.backend.copyRows(
        gradient.storage, offset: 0, pitch: range.count * blocks.inner, to: padded.storage,
        offset: range.lowerBound * blocks.inner, pitch: input[axis] * blocks.inner, rows: blocks.outer,
        width: range.count * blocks.inner)
      return [padded]
    }
  }

  /// Overwrites the part of an axis that begins at `start` with `part`, in place: how caches grow without being moved.
  /// Neither tensor may be part of a graph.
  public func overwrite(axis: Int, from start: Int, with part: Tensor) {
    let axis = axis < 0 ? axis + shape.rank : axis
    precondition(
      part.shape.rank == shape.rank && start >= 0 && start + part.shape[axis] <= shape[axis]
        && part.shape.replacing(axis: axis, with: 0) == shape.replacing(axis: axis, with: 0),
      "overwrite: \(part.shape) from \(start) on along axis \(axis) of shape \(shape)")
    precondition(!requiresGradient && !part.requiresGradient, "overwrite: a tensor is part of a graph")
    let blocks = AxisBlocks(shape, axis: axis)
    let width = part.shape[axis] * blocks.inner
    backend.copyRows(
      part.storage, offset: 0, pitch: width, to: storage, offset: start * blocks.inner,
      pitch: shape[axis] * blocks.inner, rows: blocks.outer, width: width)
  }

  /// Cuts an axis into consecutive parts of the given extents. Backward joins the gradients again.
  public func split(axis: Int, _ extents: [Int]) -> [Tensor] {
    let axis = axis < 0 ? axis + shape.rank : axis
    precondition(extents.reduce(0, +) == shape[axis], "split: \(extents) of axis \(axis) of shape \(shape)")
    var start = 0
    let parts = extents.map { extent -> Tensor in
      defer { start += extent }
      return stopGradient().sliced(axis: axis, start..<(start + extent))
    }
    return Tensor.recorded(parts, from: [self]) { gradients, _ in
      [Tensor.concatenated(zip(gradients, parts).map { $0 ?? .zeros($1.shape) }, axis: axis)]
    }
  }

  /// Joins tensors along an axis. Backward cuts the gradient into their parts.
  public static func concatenated(_ parts: [Tensor], axis: Int) -> Tensor {
    precondition(!parts.isEmpty, "concatenated: no tensors")
    if parts.count == 1 { return parts[0] }
    let first = parts[0].shape
    let axis = axis < 0 ? axis + first.rank : axis
    for part in parts {
      precondition(
        part.shape.replacing(axis: axis, with: 0) == first.replacing(axis: axis, with: 0),
        "concatenated: shapes \(first) and \(part.shape) along axis \(axis)")
    }
    let extents = parts.map { $0.shape[axis] }
    let total = extents.reduce(0, +)
    let y = parts[0].empty(first.replacing(axis: axis, with: total))
    let blocks = AxisBlocks(first, axis: axis)
    var start = 0
    for (part, extent) in zip(parts, extents) {
      y.backend.copyRows(
        part.storage, offset: 0, pitch: extent * blocks.inner, to: y.storage, offset: start * blocks.inner,
        pitch: total * blocks.inner, rows: blocks.outer, width: extent * blocks.inner)
      start += extent
    }
    return y.recorded(from: parts) { gradient, wanted in
      var start = 0
      return zip(extents, wanted).map { extent, isWanted in
        defer { start += extent }
        return isWanted ? gradient.sliced(axis: axis, start..<(start + extent)) : nil
      }
    }
  }

  /// Rows of a table: `(rows, width)` indexed by `indices` of any shape gives `(indices..., width)`.
  /// Backward adds each gradient row to its table row, in index order.
  public func gatherRows(_ indices: IndexTensor) -> Tensor {
    let (rows, width) = dims2
    for index in indices.values {
      precondition(index >= 0 && index < rows, "gatherRows: index \(index) for a table of \(rows) rows")
    }
    let y = empty(Shape(indices.shape.dimensions + [width]))
    backend.gatherRows(storage, indices: indices.values, width: width, into: y.storage)
    return y.recorded(from: [self]) { gradient, _ in
      let table = Tensor.zeros([rows, width])
      table.backend.scatterAddRows(
        gradient.storage, indices: indices.values, width: width, into: table.storage, tableRows: rows)
      return [table]
    }
  }
}

/// A tensor seen as (outer, axis, inner).
private struct AxisBlocks {
  let outer: Int
  let inner: Int

  init(_ shape: Shape, axis: Int) {
    outer = shape.dimensions[..<axis].reduce(1, *)
    inner = shape.dimensions[(axis + 1)...].reduce(1, *)
  }
}
