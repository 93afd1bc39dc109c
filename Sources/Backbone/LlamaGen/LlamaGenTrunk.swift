import NN
import TensorCore

/// LlamaGen's transformer as students use it: latents in, hidden states out. See `LlamaGenBody` for the layers and
/// `LatentEmbedding` for what takes the place of the token lookup off the codes.
public struct LlamaGenTrunk: Trunk {
  private let body: LlamaGenBody
  private let embedding: LatentEmbedding

  /// Registers the parameters: the reference's, and `latent_projection.weight` (C, D).
  /// - Parameter codes_VD: the tokenizer's codes in its own scale.
  public init(_ builder: ParameterBuilder, _ configuration: LlamaGenConfiguration, codes_VD: Tensor) {
    precondition(
      codes_VD.shape == [configuration.vocabulary, configuration.latentDimension],
      "LlamaGenTrunk: codes \(codes_VD.shape) for \(configuration.vocabulary) codes of "
        + "\(configuration.latentDimension) dimensions")
    body = LlamaGenBody(builder, configuration)
    embedding = LatentEmbedding(builder, table: body.tokenEmbedding, codes_VD: codes_VD)
  }

  public var layout: TokenLayout { body.configuration.layout }
  public var width: Int { body.configuration.width }
  public var latentDimension: Int { body.configuration.latentDimension }

  public func hiddenStates(
    latents_BLD: Tensor, known_Bm: IndexTensor?, labels: IndexTensor, extra_BLC: Tensor?
  ) -> Tensor {
    let shown_BlD = latents_BLD.sliced(axis: 1, 0..<(latents_BLD.dims3.1 - 1))
    return body.hiddenStates(
      tokens_BlC: embedding(shown_BlD, known_Bm: known_Bm), labels: labels, extra_BLC: extra_BLC)
  }

  /// A trunk's weights from those of a teacher's body: with them its hidden states on codes are the teacher's.
  /// - Parameters:
  ///   - body: weights under the reference's keys, without the classifier.
  ///   - codes_VD: the tokenizer's codes in its own scale.
  public static func state(body: StateDict, codes_VD: Tensor) -> StateDict {
    guard let table_VC = body["tok_embeddings.weight"] else {
      preconditionFailure("LlamaGenTrunk.state: no tok_embeddings.weight")
    }
    var state = body
    state[LatentEmbedding.projectionName + ".weight"] = LatentEmbedding.fittedProjection(
      table_VC: table_VC, codes_VD: codes_VD)
    return state
  }
}

extension LlamaGenConfiguration {
  /// The tokenizer's part that students need, as `makeTrunk` reads it back.
  /// - Parameter codes_VD: its codes in its own scale.
  public static func mapState(codes_VD: Tensor) -> StateDict { StateDict(["codes": codes_VD]) }

  /// The codes of `mapState`.
  /// - Throws: `StateDictError` where `state` does not hold exactly them.
  func codes(_ state: StateDict) throws -> Tensor {
    let set = ParameterSet()
    let codes_VD = ParameterBuilder(set, seed: nil).parameter("codes", [vocabulary, latentDimension], .zeros)
    try set.load(state)
    return codes_VD.stopGradient()
  }
}
