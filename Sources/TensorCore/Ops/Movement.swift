extension Tensor {
  /// The same elements under another shape of equal count; no copy.
  public func reshaped(_ target: Shape) -> Tensor {
    precondition(target.count == count, "reshaped: \(shape) has \(count) elements, \(target) \(target.count)")
    let input = shape
    if target == input { return self }
    return Tensor(run(.movement(.reshape(target)), storage)).recorded(from: [self]) { gradient, _ in
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
    let y = Tensor(run(.movement(.permute(order)), storage))
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
    let extent = shape[axis]
    return Tensor(run(.movement(.slice(axis: axis, range)), storage)).recorded(from: [self]) { gradient, _ in
      let pad = MovementKernel.pad(axis: axis, before: range.lowerBound, after: extent - range.upperBound)
      return [Tensor(run(.movement(pad), gradient.storage))]
    }
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
    let y = Tensor(run(.movement(.concatenate(axis: axis)), parts.map(\.storage))[0])
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
    let y = Tensor(run(.movement(.gatherRows), storage, indices.storage))
    return y.recorded(from: [self]) { gradient, _ in
      precondition(gradient.shape.last == width, "gatherRows: gradient \(gradient.shape)")
      return [Tensor(run(.movement(.scatterAddRows(count: rows)), gradient.storage, indices.storage))]
    }
  }
}
