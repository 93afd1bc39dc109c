// In-place updates: with `overwrite`, the only ops that change a tensor after its creation. Every tensor that shares
// the storage sees the new values, so no graph through the old ones may be used afterwards.

extension Tensor {
  /// One AdamW update (Loshchilov & Hutter 2019) of this tensor and its moments, in place:
  /// `m = b1 m + (1-b1) g`, `v = b2 v + (1-b2) g^2`, `p = p (1 - lr wd) - lr m^ / (sqrt(v^) + eps)`, where the
  /// hats divide by `1 - b^step`. All four tensors have one shape.
  public func adamWUpdate(gradient: Tensor, firstMoment: Tensor, secondMoment: Tensor, _ step: AdamWStep) {
    precondition(
      gradient.shape == shape && firstMoment.shape == shape && secondMoment.shape == shape,
      "adamWUpdate: parameter \(shape), gradient \(gradient.shape), moments \(firstMoment.shape)")
    backend.adamW(
      parameter: storage, gradient: gradient.storage, firstMoment: firstMoment.storage,
      secondMoment: secondMoment.storage, count: count, step)
  }

  /// `self = decay self + (1 - decay) value`, in place.
  public func averageInPlace(toward value: Tensor, decay: Float) {
    precondition(value.shape == shape, "averageInPlace: \(shape) toward \(value.shape)")
    backend.exponentialAverage(storage, toward: value.storage, decay: decay, count: count)
  }

  /// Overwrites the elements with those of `value`, in place.
  public func assign(_ value: Tensor) {
    precondition(value.shape == shape, "assign: \(shape) from \(value.shape)")
    backend.copy(value.storage, to: storage, count: count)
  }
}
