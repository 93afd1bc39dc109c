import Backbone
import NN
import TensorCore

/// LlamaGen's class-conditional transformer: the body with its classifier over the codebook (`Transformer` of
/// `autoregressive/models/gpt.py`). Parameter paths are the reference's state-dict keys.
public struct LlamaGenTransformer: TrainableTransformer {
  /// The classifier's path.
  public static let classifierName = "output"

  /// Sizes.
  public let configuration: LlamaGenConfiguration
  /// All weights: the body's and the classifier's.
  public let parameters: ParameterSet
  private let body: LlamaGenBody
  private let output: Linear

  /// Builds the transformer; without a seed its weights are unset until they are loaded.
  public init(_ configuration: LlamaGenConfiguration, seed: UInt64?) {
    self.configuration = configuration
    parameters = ParameterSet()
    let builder = ParameterBuilder(parameters, seed: seed)
    body = LlamaGenBody(builder, configuration)
    // Nearly zero: training starts from equal probabilities.
    output = Linear(
      builder / Self.classifierName, configuration.width, configuration.vocabulary, bias: false,
      initializer: .normal(0.02 / Float(configuration.width).squareRoot()))
  }

  public var classCount: Int { configuration.classCount }

  /// Weights of the body: all but the classifier's.
  var bodyState: StateDict { parameters.stateDict { !$0.hasPrefix(Self.classifierName + ".") } }

  public func logits(ids_BL: IndexTensor, labels: IndexTensor) -> Tensor {
    // The last token is predicted, never read.
    let shown_Bl = ids_BL.columns(0..<(ids_BL.shape[1] - 1))
    return output(body.hiddenStates(tokens_BlC: body.tokenEmbedding(shown_Bl), labels: labels))
  }

  /// Logits (B, 1, V) of the token after those that the cache and `shown` hold.
  /// - Parameter shown: ids (B, l) of the tokens since the last call; nil for none.
  func nextLogits(labels: IndexTensor, shown: IndexTensor?, cache: KeyValueCache) -> Tensor {
    output(body.nextState(tokens_BlC: shown.map { body.tokenEmbedding($0) }, labels: labels, cache: cache))
  }
}
