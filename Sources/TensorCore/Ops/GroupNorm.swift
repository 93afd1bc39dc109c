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
  let C = x_BhwC.dims4.3
  precondition(groups > 0 && C % groups == 0, "groupNorm: \(groups) groups do not divide x \(x_BhwC.shape)")
  precondition(
    weight.shape == [C] && bias.shape == [C],
    "groupNorm: expected weight and bias of shape (\(C)), got \(weight.shape) and \(bias.shape)")
  let form = GroupNormForm(groups: groups, epsilon: epsilon, activation: activation)
  let operands = [x_BhwC, weight, bias].map(\.storage)
  let results = run(.groupNorm(.normalize(form)), operands)
  return Tensor(results[0]).recorded(from: [x_BhwC, weight, bias]) { gradY, wanted in
    // With g the gradient before the activation, xhat = (x - mean) rstd, and E the mean over a group:
    // gradX = rstd (g weight - E[g weight] - xhat E[g weight xhat]), gradWeight = sum of g xhat, gradBias = sum of g.
    // The sums are needed for gradX anyway, so all three come from one kernel.
    let gradients = run(
      .groupNorm(.backward(form)), [operands[0], gradY.storage, operands[1], operands[2], results[1], results[2]])
    return zip(gradients, wanted).map { $1 ? Tensor($0) : nil }
  }
}
