import TensorCore

/// What went wrong in an update.
public enum OptimizerError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A gradient holds NaN or infinity; no parameter was changed.
  case nonFiniteGradient(path: String)

  /// One line that names the parameter.
  public var description: String {
    switch self {
    case .nonFiniteGradient(let path):
      return "the gradient of \(path) is not finite; lower the learning rate and resume from the last checkpoint"
    }
  }
}

/// Settings of AdamW.
public struct AdamWConfiguration: Codable, Equatable, Sendable {
  /// Decay of the first moment.
  public var beta1: Float
  /// Decay of the second moment.
  public var beta2: Float
  /// Added to the root of the second moment.
  public var epsilon: Float
  /// Decoupled weight decay, on parameters of two or more dimensions.
  public var weightDecay: Float
  /// Largest global norm of the gradient; larger ones are scaled down to it.
  public var clipNorm: Float

  /// Settings with the usual defaults.
  public init(
    beta1: Float = 0.9, beta2: Float = 0.95, epsilon: Float = 1e-8, weightDecay: Float = 0, clipNorm: Float = 1
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.clipNorm = clipNorm
  }
}

/// AdamW with decoupled weight decay (Loshchilov & Hutter 2019) and clipping by the global gradient norm.
public final class AdamW: @unchecked Sendable {
  private let configuration: AdamWConfiguration
  private let parameters: [Parameter]
  private let firstMoments: [Tensor]
  private let secondMoments: [Tensor]
  /// Number of updates made.
  public private(set) var step = 0

  /// An optimiser with moments at zero.
  public init(_ set: ParameterSet, _ configuration: AdamWConfiguration) {
    self.configuration = configuration
    parameters = set.parameters
    firstMoments = parameters.map { .zeros($0.value.shape) }
    secondMoments = parameters.map { .zeros($0.value.shape) }
  }

  /// One update, in place.
  /// - Parameter gradients: in the order of the set's parameters.
  /// - Returns: the global norm of the gradient before clipping.
  /// - Throws: `OptimizerError.nonFiniteGradient`; nothing is changed then.
  @discardableResult
  public func update(_ gradients: [Tensor], learningRate: Float) throws -> Float {
    precondition(
      gradients.count == parameters.count, "AdamW: \(gradients.count) gradients, \(parameters.count) parameters")
    let norm = Float(Tensor.globalNorm(gradients))
    guard norm.isFinite else {
      let culprit = zip(parameters, gradients).first { !$1.isFinite }?.0.path ?? "all parameters together"
      throw OptimizerError.nonFiniteGradient(path: culprit)
    }
    step += 1
    // PyTorch's clip_grad_norm_ divides by norm + 1e-6.
    let scale = min(1, configuration.clipNorm / (norm + 1e-6))
    for (index, parameter) in parameters.enumerated() {
      parameter.value.adamWUpdate(
        gradient: gradients[index], firstMoment: firstMoments[index], secondMoment: secondMoments[index],
        AdamWStep(
          learningRate: learningRate, beta1: configuration.beta1, beta2: configuration.beta2,
          epsilon: configuration.epsilon,
          weightDecay: parameter.value.shape.rank >= 2 ? configuration.weightDecay : 0, gradientScale: scale,
          step: step))
    }
    return norm
  }

  /// The moments themselves under `first.` and `second.`, which change with the next update, and the update count.
  public var state: (moments: StateDict, step: Int) {
    var moments = StateDict()
    for (index, parameter) in parameters.enumerated() {
      moments["first." + parameter.path] = firstMoments[index]
      moments["second." + parameter.path] = secondMoments[index]
    }
    return (moments, step)
  }

  /// Continues from a saved state.
  /// - Throws: `StateDictError` where the moments do not fit the parameters.
  public func load(moments: StateDict, step: Int) throws {
    let slots = parameters.enumerated().flatMap { index, parameter in
      [("first." + parameter.path, firstMoments[index]), ("second." + parameter.path, secondMoments[index])]
    }
    let missing = slots.filter { moments[$0.0] == nil }.map(\.0)
    let misshapen = slots.filter { name, slot in moments[name].map { $0.shape != slot.shape } ?? false }.map(\.0)
    let unexpected = Set(moments.names).subtracting(slots.map(\.0)).sorted()
    guard missing.isEmpty, misshapen.isEmpty, unexpected.isEmpty else {
      throw StateDictError.mismatch(missing: missing, unexpected: unexpected, misshapen: misshapen)
    }
    for (name, slot) in slots { moments[name].map(slot.assign) }
    self.step = step
  }
}

/// A running average of a network's parameters: what is sampled from.
public final class ExponentialMovingAverage: @unchecked Sendable {
  private let parameters: [Parameter]
  private let averages: [Tensor]

  /// An average that starts at the current values.
  public init(_ set: ParameterSet) {
    parameters = set.parameters
    averages = parameters.map { $0.value.copy() }
  }

  /// `average = decay average + (1 - decay) value`, in place.
  public func update(decay: Float) {
    for (average, parameter) in zip(averages, parameters) {
      average.averageInPlace(toward: parameter.value, decay: decay)
    }
  }

  /// The averages themselves under the parameters' paths, no copies: they change with the next update.
  public var current: StateDict {
    StateDict(Dictionary(uniqueKeysWithValues: zip(parameters, averages).map { ($0.path, $1) }))
  }

  /// Copies of the averages under the parameters' paths.
  public func stateDict() -> StateDict {
    StateDict(Dictionary(uniqueKeysWithValues: zip(parameters, averages).map { ($0.path, $1.copy()) }))
  }

  /// Continues from saved averages.
  /// - Throws: `StateDictError` where they do not fit the parameters.
  public func load(_ state: StateDict) throws {
    let missing = parameters.map(\.path).filter { state[$0] == nil }
    let misshapen = zip(parameters, averages).filter { parameter, average in
      state[parameter.path].map { $0.shape != average.shape } ?? false
    }.map(\.0.path)
    let unexpected = Set(state.names).subtracting(parameters.map(\.path)).sorted()
    guard missing.isEmpty, misshapen.isEmpty, unexpected.isEmpty else {
      throw StateDictError.mismatch(missing: missing, unexpected: unexpected, misshapen: misshapen)
    }
    for (parameter, average) in zip(parameters, averages) { state[parameter.path].map(average.assign) }
  }
}
