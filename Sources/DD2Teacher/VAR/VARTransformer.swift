import Backbone
import NN
import TensorCore

/// VAR's transformer: the trunk with its classifier over the codebook. Paths are the reference's state-dict keys.
public struct VARTransformer: Sendable {
  /// Sizes.
  public let configuration: VARConfiguration
  /// All weights: the trunk's and `head.*`.
  public let parameters: ParameterSet
  let trunk: VARTrunk
  private let head: Linear

  /// Builds the transformer over a tokenizer's residual map.
  public init(_ configuration: VARConfiguration, map: MultiScaleMap, seed: UInt64) {
    self.configuration = configuration
    parameters = ParameterSet()
    let builder = ParameterBuilder(parameters, seed: seed)
    trunk = VARTrunk(builder, configuration, map: map)
    head = Linear(
      builder / "head", configuration.width, configuration.vocabulary,
      initializer: .normal(0.02 / Float(configuration.width).squareRoot()))
  }

  /// Teacher-forced logits (B, L, V) from the map's views (B, L - l_0, D) of scales 1 and up.
  public func logits(inputs_BLD: Tensor, labels: [Int32]) -> Tensor {
    head(trunk.hiddenStates(inputs_BLD: inputs_BLD, labels: labels))
  }

  /// Logits (B, l, V) of one scale after the cached ones.
  func logits(scale: Int, view_BlD: Tensor?, labels: [Int32], cache: KeyValueCache) -> Tensor {
    head(trunk.hiddenStates(scale: scale, view_BlD: view_BlD, labels: labels, cache: cache))
  }
}
