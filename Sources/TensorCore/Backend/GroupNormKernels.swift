/// A function applied in the same pass as a normalisation or a convolution. Raw values are the kernels' codes.
public enum Activation: Int32, Sendable {
  /// The identity.
  case none = 0
  /// `x sigmoid(x)`
  case silu
  /// `max(x, 0)`, gradient 0 at 0
  case relu
}

/// The extents of a group normalisation over x (batch, pixels, channels).
public struct GroupNormGeometry: Equatable, Sendable {
  /// Images.
  public var batch: Int
  /// Pixels of an image.
  public var pixels: Int
  /// Channels.
  public var channels: Int
  /// Groups of neighbouring channels that share a mean and a deviation; a divisor of `channels`.
  public var groups: Int
}

/// Group normalisation, channels-last, with an activation fused.
public protocol GroupNormKernels {
  /// `y = activation((x - mean) rstd weight + bias)`; writes mean and rstd (batch, groups).
  func groupNorm(
    _ x: Storage, weight: Storage, bias: Storage, epsilon: Float, activation: Activation, into y: Storage,
    mean: Storage, rstd: Storage, _ geometry: GroupNormGeometry)
  /// Gradients of x, weight (channels) and bias (channels).
  func groupNormBackward(
    x: Storage, gradY: Storage, weight: Storage, bias: Storage, mean: Storage, rstd: Storage,
    activation: Activation, gradX: Storage, gradWeight: Storage, gradBias: Storage,
    _ geometry: GroupNormGeometry)
}
