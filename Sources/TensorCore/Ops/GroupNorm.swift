/// Group normalisation over the pixels and the channels of each group (Wu & He 2018; `torch.nn.GroupNorm`), with an
/// optional activation in the same pass:
/// `y = activation((x - mean) rstd weight + bias)`, `rstd = 1 / sqrt(variance + epsilon)`, biased variance.
/// - Parameters:
///   - x_BhwC: feature map.
///   - groups: number of groups of neighbouring channels; divides C.
///   - weight: (C).
///   - bias: (C).
///   - epsilon: added to the variance.
///   - activation: applied to the result.
/// - Returns: `BhwC`.
public func groupNorm(
  _ x_BhwC: Tensor, groups: Int, weight: Tensor, bias: Tensor, epsilon: Float,
  activation: Activation = .none
) -> Tensor {
  precondition(x_BhwC.shape.rank == 4, "groupNorm: expected x of shape (B, h, w, C), got \(x_BhwC.shape)")
  let (B, h, w, C) = x_BhwC.dims4
  precondition(groups > 0 && C % groups == 0, "groupNorm: \(groups) groups do not divide x \(x_BhwC.shape)")
  precondition(
    weight.shape == [C] && bias.shape == [C],
    "groupNorm: expected weight and bias of shape (\(C)), got \(weight.shape) and \(bias.shape)")
  let geometry = GroupNormGeometry(batch: B, pixels: h * w, channels: C, groups: groups)
  let y_BhwC = x_BhwC.empty(x_BhwC.shape)
  let mean = x_BhwC.empty([B, groups])
  let rstd = x_BhwC.empty([B, groups])
  x_BhwC.backend.groupNorm(
    x_BhwC.storage, weight: weight.storage, bias: bias.storage, epsilon: epsilon, activation: activation,
    into: y_BhwC.storage, mean: mean.storage, rstd: rstd.storage, geometry)
  let (xStorage, weightStorage, biasStorage) = (x_BhwC.storage, weight.storage, bias.storage)
  return y_BhwC.recorded(from: [x_BhwC, weight, bias]) { gradY, wanted in
    let gradX = gradY.empty(gradY.shape)
    let gradWeight = gradY.empty([C])
    let gradBias = gradY.empty([C])
    // With g the gradient before the activation, xhat = (x - mean) rstd, and E the mean over a group:
    // gradX = rstd (g weight - E[g weight] - xhat E[g weight xhat]), gradWeight = sum of g xhat, gradBias = sum of g.
    // The sums are needed for gradX anyway, so all three come from one kernel.
    gradY.backend.groupNormBackward(
      x: xStorage, gradY: gradY.storage, weight: weightStorage, bias: biasStorage, mean: mean.storage,
      rstd: rstd.storage, activation: activation, gradX: gradX.storage, gradWeight: gradWeight.storage,
      gradBias: gradBias.storage, geometry)
    return zip([gradX, gradWeight, gradBias], wanted).map { $1 ? $0 : nil }
  }
}
