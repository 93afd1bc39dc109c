import Foundation
import TensorCore

/// Settings of AdamW.
public struct AdamWConfiguration: Codable, Equatable, Sendable {
  /// Decay of the first moment.
  public var beta1: Float
  /// Decay of the second moment.
  public var beta2: Float
  /// Added to the root of the second moment.
  public var epsilon: Float
  /// Decoupled weight decay, on weights that are decayed (`Parameter.isDecayed`).
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

/// What an update says of its gradients, on the backend: read with the step's metrics, after the step.
public struct UpdateReport {
  /// The global norm before clipping, a scalar. Where it is not finite the update changed nothing.
  public let norm: Tensor
  private let squares: Tensor
  private let paths: [String]

  init(norm: Tensor, squares: Tensor, paths: [String]) {
    (self.norm, self.squares, self.paths) = (norm, squares, paths)
  }

  /// The path of the first parameter whose gradient is not finite, or is too large to be squared. Copies to the host.
  public func nonFiniteGradient() -> String {
    zip(paths, squares.elements).first { !$1.isFinite }?.0 ?? "all parameters together"
  }
}

/// AdamW with decoupled weight decay (Loshchilov & Hutter 2019) and clipping by the global gradient norm.
public final class AdamW: @unchecked Sendable {
  private let form: AdamWForm
  private let parameters: [Parameter]
  private let firstMoments: [Tensor]
  private let secondMoments: [Tensor]
  /// Number of updates made.
  public private(set) var step = 0

  /// An optimiser with moments at zero.
  public init(_ set: ParameterSet, _ configuration: AdamWConfiguration) {
    parameters = set.parameters
    form = AdamWForm(
      beta1: configuration.beta1, beta2: configuration.beta2, epsilon: configuration.epsilon,
      clipNorm: configuration.clipNorm,
      weightDecay: parameters.map { $0.isDecayed ? configuration.weightDecay : 0 })
    firstMoments = parameters.map { .zeros($0.value.shape) }
    secondMoments = parameters.map { .zeros($0.value.shape) }
  }

  /// One update, in place; nothing is changed where a gradient is not finite, which the report then says.
  /// - Parameter gradients: in the order of the set's parameters.
  @discardableResult
  public func update(_ gradients: [Tensor], learningRate: Float) -> UpdateReport {
    precondition(
      gradients.count == parameters.count, "AdamW: \(gradients.count) gradients, \(parameters.count) parameters")
    step += 1
    func correction(_ beta: Float) -> Float { Float(1 - pow(Double(beta), Double(step))) }
    let (norm, squares) = adamWUpdate(
      parameters.map(\.value), firstMoments: firstMoments, secondMoments: secondMoments, gradients: gradients,
      scalars: Tensor([learningRate, correction(form.beta1), correction(form.beta2)], [3]), form)
    return UpdateReport(norm: norm, squares: squares, paths: parameters.map(\.path))
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

  /// `average = decay average + (1 - decay) value`, in place; nothing where the update before was none.
  /// - Parameter report: of the update that made the values.
  public func update(decay: Float, after report: UpdateReport) {
    averageUpdate(averages, toward: parameters.map(\.value), decay: Tensor(decay), norm: report.norm)
  }

  /// The averages themselves under the parameters' paths, no copies: they change with the next update.
  public var current: StateDict {
    StateDict(Dictionary(uniqueKeysWithValues: zip(parameters, averages).map { ($0.path, $1) }))
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
