// Ops on integers, none of which has a gradient.

extension IndexTensor {
  /// The same elements under another shape of equal count.
  public func reshaped(_ target: Shape) -> IndexTensor {
    precondition(target.count == count, "reshaped: \(shape) has \(count) elements, \(target) \(target.count)")
    return target == shape ? self : IndexTensor(run(.movement(.reshape(target)), storage))
  }

  /// The part of an axis within a range.
  public func sliced(axis: Int, _ range: Range<Int>) -> IndexTensor {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= shape[axis], "sliced: \(range) of axis \(axis) of shape \(shape)")
    return range == 0..<shape[axis] ? self : IndexTensor(run(.movement(.slice(axis: axis, range)), storage))
  }

  /// Columns `range` of (B, n).
  public func columns(_ range: Range<Int>) -> IndexTensor { sliced(axis: 1, range) }

  /// Joined along an axis.
  public static func concatenated(_ parts: [IndexTensor], axis: Int) -> IndexTensor {
    precondition(!parts.isEmpty, "concatenated: no tensors")
    for part in parts {
      precondition(
        part.shape.replacing(axis: axis, with: 0) == parts[0].shape.replacing(axis: axis, with: 0),
        "concatenated: shapes \(parts[0].shape) and \(part.shape) along axis \(axis)")
    }
    return parts.count == 1
      ? parts[0] : IndexTensor(run(.movement(.concatenate(axis: axis)), parts.map(\.storage))[0])
  }

  /// The columns of several (B, n), side by side.
  public static func joined(columns parts: [IndexTensor]) -> IndexTensor { concatenated(parts, axis: 1) }

  /// 1 where two tensors of one shape have the same element, else 0.
  public func equals(_ other: IndexTensor) -> Tensor {
    precondition(shape == other.shape, "equals: \(shape) and \(other.shape)")
    return Tensor(run(.elementwise(.compare(.equal)), storage, other.storage))
  }

  /// Elements of `other` where the mask is not zero, else of `self`.
  public func replaced(by other: IndexTensor, where mask: Tensor) -> IndexTensor {
    precondition(
      shape == other.shape && mask.shape == shape, "replaced: \(shape) by \(other.shape) where \(mask.shape)")
    return IndexTensor(run(.elementwise(.select), mask.storage, other.storage, storage))
  }

  /// The elements of a list at given places: (places).
  public func elements(at places: IndexTensor) -> IndexTensor {
    precondition(shape.rank == 1 && places.shape.rank == 1, "elements: of \(shape) at \(places.shape)")
    return IndexTensor(run(.movement(.gatherRows), reshaped([count, 1]).storage, places.storage))
      .reshaped(places.shape)
  }

  /// How often each of `0..<count` occurs: (count).
  public func histogram(_ count: Int) -> Tensor {
    Tensor(
      run(
        .movement(.scatterAddRows(count: count)), Tensor(repeating: 1, [self.count, 1]).storage,
        reshaped([self.count]).storage)
    ).reshaped([count])
  }
}

extension Tensor {
  /// 1 where this is less than `other`, else 0; shapes are equal. No gradient.
  public func isLess(than other: Tensor) -> Tensor {
    precondition(shape == other.shape, "isLess: \(shape) and \(other.shape)")
    return Tensor(run(.elementwise(.compare(.less)), storage, other.storage))
  }

  /// Elements of `other` where the mask is not zero, else of `self`: infinities and NaN that are not taken vanish. No
  /// gradient.
  public func replaced(by other: Tensor, where mask: Tensor) -> Tensor {
    precondition(
      shape == other.shape && mask.shape == shape, "replaced: \(shape) by \(other.shape) where \(mask.shape)")
    return Tensor(run(.elementwise(.select), mask.storage, other.storage, storage))
  }
}
