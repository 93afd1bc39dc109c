import NN
import TensorCore

/// DD1's network over LlamaGen's layers (`LlamaGen/autoregressive/models/dd.py`): a token sees those before it, and
/// itself.
public struct LlamaGenDD1Network: DD1Network {
  public let parameters: ParameterSet
  private let configuration: LlamaGenConfiguration
  private let classEmbedding: Embedding
  private let tokenEmbedding: Linear
  private let inputKind: DD1InputKind
  private let layers: [LlamaGenLayer]
  private let norm: RMSNorm
  private let output: Linear
  private let latentHead: DD1LatentHead
  private let rotary: RotaryTable

  /// Builds the network; without a seed its weights are unset until they are loaded.
  public init(_ configuration: LlamaGenConfiguration, seed: UInt64?) {
    self.configuration = configuration
    parameters = ParameterSet()
    let builder = ParameterBuilder(parameters, seed: seed)
    let (C, tokens) = (configuration.width, configuration.layout.count)
    classEmbedding = Embedding(
      builder / "cls_embedding" / "embedding_table", rows: configuration.classCount + 1, width: C,
      initializer: .normal(0.02))
    tokenEmbedding = Linear(builder / "tok_embeddings", configuration.latentDimension, C)
    inputKind = DD1InputKind(builder, width: C, inputs: tokens + 1)
    layers = (0..<configuration.depth).map { LlamaGenLayer(builder / "layers" / $0, configuration, index: $0) }
    norm = RMSNorm(builder / "norm", C, epsilon: LlamaGenBody.epsilon)
    output = Linear(builder / "output", C, configuration.vocabulary, bias: false)
    latentHead = DD1LatentHead(
      builder / "final_layer_conti", width: C, latentDimension: configuration.latentDimension)
    rotary = RotaryTable(side: configuration.side, headWidth: C / configuration.heads, tokens: tokens)
  }

  public var layout: TokenLayout { configuration.layout }
  public var classCount: Int { configuration.classCount }

  public func callAsFunction(
    latents_BLD: Tensor, known: Int, labels: IndexTensor
  ) -> (latents_BLD: Tensor, logits_BLV: Tensor) {
    withoutGradient {
      let class_BC = classEmbedding(labels)
      var x_BLC =
        Tensor.concatenated([class_BC.inserting(axis: 1), tokenEmbedding(latents_BLD)], axis: 1)
        + inputKind(known: known)
      let inputs = x_BLC.dims3.1
      for layer in layers { x_BLC = layer(x_BLC, rotary: rotary, visible: Array(1...inputs), cache: nil) }
      let h_BLC = x_BLC.sliced(axis: 1, 1..<inputs)
      return (latentHead(h_BLC, class_BC: class_BC), output(norm(h_BLC)))
    }
  }
}
