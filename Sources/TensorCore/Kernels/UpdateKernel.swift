/// What stays the same about the AdamW updates of a network.
public struct AdamWForm: Hashable, Sendable {
  /// Decay of the first and the second moment.
  public var beta1, beta2: Float
  /// Added to the root of the second moment.
  public var epsilon: Float
  /// Largest global norm of the gradient; larger ones are scaled down to it.
  public var clipNorm: Float
  /// Decoupled weight decay of each parameter.
  public var weightDecay: [Float]

  /// The updates of a network.
  public init(beta1: Float, beta2: Float, epsilon: Float, clipNorm: Float, weightDecay: [Float]) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.clipNorm = clipNorm
    self.weightDecay = weightDecay
  }
}

/// Changes of arrays in place, with the arrays that change first: an optimiser's state, averages, caches.
public enum UpdateKernel: Hashable, Sendable {
  /// x; value of its type: `x = value`.
  case assign
  /// x; part, position (a scalar, Int32): the part of an axis that begins at the position.
  case overwrite(axis: Int)
  /// n parameters, n first and n second moments; n gradients, their global norm, and (learning rate, `1 - beta1^step`,
  /// `1 - beta2^step`): one AdamW update of all. Nothing changes where the norm is not finite.
  case adamW(AdamWForm)
  /// n averages; n values, decay (a scalar), the norm of the update that made the values: `decay average + (1 - decay) value`.
  /// Nothing changes where the norm is not finite.
  case average
}
