/// A function applied in the same pass as a normalisation or a convolution. Raw values are the CPU kernels' codes.
public enum Activation: Int32, Sendable {
  /// The identity.
  case none = 0
  /// `x sigmoid(x)`
  case silu
  /// `max(x, 0)`, gradient 0 at 0
  case relu
}

/// How a feature map `BhwC` is normalised over groups of neighbouring channels.
public struct GroupNormForm: Hashable, Sendable {
  /// Groups that share a mean and a deviation; a divisor of the channels.
  public var groups: Int
  /// Added to the variance.
  public var epsilon: Float
  /// Applied to the result.
  public var activation: Activation
}

/// Group normalisation, channels-last, with an activation fused.
public enum GroupNormKernel: Hashable, Sendable {
  /// x `BhwC`, weight (C), bias (C): `activation((x - mean) rstd weight + bias)`; mean and rstd (B, groups).
  case normalize(GroupNormForm)
  /// x, gradY, weight, bias, mean, rstd: the gradients of x, weight and bias.
  case backward(GroupNormForm)

  func results(of operands: [ArrayType]) -> [ArrayType] {
    let x = operands[0]
    switch self {
    case .normalize(let form):
      let statistics = ArrayType([x.shape[0], form.groups])
      return [x, statistics, statistics]
    case .backward: return [x, operands[2], operands[3]]
    }
  }
}
