/// The scalars of one AdamW update.
public struct AdamWStep: Sendable {
  /// Learning rate.
  public var learningRate: Float
  /// Decay of the first moment.
  public var beta1: Float
  /// Decay of the second moment.
  public var beta2: Float
  /// Added to the root of the second moment.
  public var epsilon: Float
  /// Decoupled weight decay.
  public var weightDecay: Float
  /// Factor on the gradient (global-norm clipping).
  public var gradientScale: Float
  /// Number of this update, from 1, for bias correction.
  public var step: Int

  /// All the scalars of one update.
  public init(
    learningRate: Float, beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float,
    gradientScale: Float, step: Int
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.gradientScale = gradientScale
    self.step = step
  }
}

/// In-place updates of parameters.
public protocol OptimizerKernels {
  /// One AdamW update of `parameter`, `firstMoment` and `secondMoment`, all in place.
  func adamW(
    parameter: Storage, gradient: Storage, firstMoment: Storage, secondMoment: Storage, count: Int,
    _ step: AdamWStep)
  /// `average = decay average + (1 - decay) value`, in place.
  func exponentialAverage(_ average: Storage, toward value: Storage, decay: Float, count: Int)
}
