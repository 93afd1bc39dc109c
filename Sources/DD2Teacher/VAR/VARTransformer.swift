import Backbone
import NN
import TensorCore

/// VAR's transformer: the trunk with its classifier over the codebook. Paths are the reference's state-dict keys.
public struct VARTransformer: Sendable {
  /// The classifier's path.
  public static let classifierName = "head"

  /// Sizes.
  public let configuration: VARConfiguration
  /// All weights: the trunk's and the classifier's.
  public let parameters: ParameterSet
  let trunk: VARTrunk
  private let head: Linear

  /// Builds the transformer over a tokenizer's residual map; without a seed its weights are unset until they are loaded.
  public init(_ configuration: VARConfiguration, map: MultiScaleMap, seed: UInt64?) {
    self.configuration = configuration
    parameters = ParameterSet()
    let builder = ParameterBuilder(parameters, seed: seed)
    trunk = VARTrunk(builder, configuration, map: map)
    head = Linear(
      builder / Self.classifierName, configuration.width, configuration.vocabulary,
      initializer: .normal(0.02 / Float(configuration.width).squareRoot()))
  }

  /// Teacher-forced logits (B, L, V) from the map's views (B, L - l_0, D) of scales 1 and up.
  public func logits(inputs_BLD: Tensor, labels: IndexTensor) -> Tensor {
    head(trunk.hiddenStates(inputs_BLD: inputs_BLD, labels: labels))
  }

  /// Logits (B, l, V) of the last of some scales after the cached ones; see `VARTrunk.hiddenStates`.
  func lastLogits(scales: ClosedRange<Int>, views_BlD: Tensor?, labels: IndexTensor, cache: KeyValueCache) -> Tensor {
    let states_BlC = trunk.hiddenStates(scales: scales, views_BlD: views_BlD, labels: labels, cache: cache)
    let (_, l, _) = states_BlC.dims3
    return head(states_BlC.sliced(axis: 1, (l - trunk.layout.stageLengths[scales.upperBound])..<l))
  }
}

/// The transformer over its tokenizer's codes and residual map: reads token ids, as training does.
public struct VARTokenTransformer: TrainableTransformer {
  private let transformer: VARTransformer
  private let tokenizer: VQVAE

  /// Both parts of a teacher.
  public init(transformer: VARTransformer, tokenizer: VQVAE) {
    self.transformer = transformer
    self.tokenizer = tokenizer
  }

  public var parameters: ParameterSet { transformer.parameters }
  public var classCount: Int { transformer.configuration.classCount }

  public func logits(ids_BL: IndexTensor, labels: IndexTensor) -> Tensor {
    let inputs_BLD = withoutGradient { tokenizer.map.inputs(latents_BLD: tokenizer.embedding.gatherRows(ids_BL)) }
    return transformer.logits(inputs_BLD: inputs_BLD, labels: labels)
  }
}
