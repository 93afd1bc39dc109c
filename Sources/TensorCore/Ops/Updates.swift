// In-place updates, the only ops that change a tensor after its creation. Every tensor that shares the storage sees the new
// values, so no graph through the old ones may be used afterwards.

extension Tensor {
  /// Overwrites the elements with those of `value`, in place.
  public func assign(_ value: Tensor) {
    precondition(value.shape == shape, "assign: \(shape) from \(value.shape)")
    update([self], by: .assign, [value.storage])
  }

  /// Overwrites the part of an axis that begins at `position` (a scalar) with `part`, in place: how caches of fixed shape
  /// grow without being moved. Neither tensor may be part of a graph.
  public func overwrite(axis: Int, at position: IndexTensor, with part: Tensor) {
    let axis = axis < 0 ? axis + shape.rank : axis
    precondition(
      part.shape.rank == shape.rank && part.shape[axis] <= shape[axis] && position.shape == []
        && part.shape.replacing(axis: axis, with: 0) == shape.replacing(axis: axis, with: 0),
      "overwrite: \(part.shape) at \(position.shape) along axis \(axis) of shape \(shape)")
    precondition(!requiresGradient && !part.requiresGradient, "overwrite: a tensor is part of a graph")
    update([self], by: .overwrite(axis: axis), [part.storage, position.storage])
  }
}

/// One AdamW update (Loshchilov & Hutter 2019) of a network, in place, with clipping by the global gradient norm:
/// `g = gradient min(1, clipNorm / (norm + 1e-6))`, `m = b1 m + (1-b1) g`, `v = b2 v + (1-b2) g^2`,
/// `p = p (1 - lr wd) - lr m^ / (sqrt(v^) + eps)`, where the hats divide by `1 - b^step`. Nothing changes where the norm is
/// not finite.
/// - Parameters:
///   - scalars: learning rate, `1 - b1^step`, `1 - b2^step`: (3).
/// - Returns: the norm before clipping, a scalar, and the sum of squares of each gradient, (parameters).
public func adamWUpdate(
  _ parameters: [Tensor], firstMoments: [Tensor], secondMoments: [Tensor], gradients: [Tensor], scalars: Tensor,
  _ form: AdamWForm
) -> (norm: Tensor, squares: Tensor) {
  for (p, (g, (m, v))) in zip(parameters, zip(gradients, zip(firstMoments, secondMoments))) {
    precondition(
      g.shape == p.shape && m.shape == p.shape && v.shape == p.shape,
      "adamWUpdate: parameter \(p.shape), gradient \(g.shape), moments \(m.shape), \(v.shape)")
  }
  precondition(
    scalars.shape == [3] && gradients.count == parameters.count && form.weightDecay.count == parameters.count
      && firstMoments.count == parameters.count && secondMoments.count == parameters.count,
    "adamWUpdate: \(parameters.count) parameters, \(gradients.count) gradients, scalars \(scalars.shape)")
  let norms = run(.reduction(.globalNorm), gradients.map(\.storage))
  update(
    parameters + firstMoments + secondMoments, by: .adamW(form),
    gradients.map(\.storage) + [norms[0], scalars.storage])
  return (Tensor(norms[0]), Tensor(norms[1]))
}

/// `average = decay average + (1 - decay) value` for each of some tensors, in place. Nothing changes where `norm`, that of
/// the update before, is not finite.
/// - Parameters:
///   - decay: a scalar.
///   - norm: a scalar.
public func averageUpdate(_ averages: [Tensor], toward values: [Tensor], decay: Tensor, norm: Tensor) {
  for (average, value) in zip(averages, values) {
    precondition(average.shape == value.shape, "averageUpdate: \(average.shape) toward \(value.shape)")
  }
  precondition(averages.count == values.count && decay.shape == [] && norm.shape == [], "averageUpdate: no scalars")
  update(averages, by: .average, values.map(\.storage) + [decay.storage, norm.storage])
}

private func update(_ states: [Tensor], by kernel: UpdateKernel, _ operands: [Storage]) {
  let storages = states.map(\.storage)
  commonBackend(storages + operands, "\(kernel)").update(storages, by: kernel, operands)
}
