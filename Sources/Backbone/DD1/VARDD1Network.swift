import NN
import TensorCore

/// DD1's network over VAR's blocks (`VAR/models/dd.py`). The class is a level of its own before the scales; a token sees
/// the levels before its own, and itself. It reads latents as they are, not through the residual map.
public struct VARDD1Network: DD1Network {
  public let parameters: ParameterSet
  private let configuration: VARConfiguration
  private let classEmbedding: Embedding
  private let positionStart: Tensor
  private let position: Tensor
  private let levelEmbedding: Embedding
  private let levels: IndexTensor
  private let wordEmbedding: Linear
  private let inputKind: DD1InputKind
  private let sharedAdaLin: Linear?
  private let blocks: [VARBlock]
  /// One per block, and one after the last.
  private let layerKinds: [Linear]
  private let headNorm: Linear
  private let head: Linear
  private let latentHead: DD1LatentHead
  private let visibleCounts: [Int]

  /// Builds the network; without a seed its weights are unset until they are loaded.
  public init(_ configuration: VARConfiguration, seed: UInt64?) {
    self.configuration = configuration
    parameters = ParameterSet()
    let builder = ParameterBuilder(parameters, seed: seed)
    let (C, stages) = (configuration.width, configuration.layout.stages)
    let inputs = configuration.layout.count + 1
    positionStart = builder.parameter("pos_start", [1, 1, C], .normal(0.02))
    position = builder.parameter("pos_1LC", [1, inputs, C], .normal(0.02))
    classEmbedding = Embedding(
      builder / "class_emb", rows: configuration.classCount + 1, width: C, initializer: .normal(0.02))
    levelEmbedding = Embedding(builder / "lvl_embed", rows: stages.count + 1, width: C, initializer: .normal(0.02))
    wordEmbedding = Linear(builder / "word_embed", configuration.latentDimension, C)
    inputKind = DD1InputKind(builder, width: C, inputs: inputs)
    sharedAdaLin = configuration.sharesAdaLN ? Linear(builder / "shared_ada_lin" / 1, C, 6 * C) : nil
    blocks = (0..<configuration.depth).map { VARBlock(builder / "blocks" / $0, configuration, index: $0) }
    layerKinds = (0...configuration.depth).map { Linear(builder / "layerwise_n_d_embed" / $0, C, C) }
    headNorm = Linear(builder / "head_nm" / "ada_lin" / 1, C, 2 * C)
    head = Linear(builder / "head", C, configuration.vocabulary)
    latentHead = DD1LatentHead(
      builder / "final_layer_conti", width: C, latentDimension: configuration.latentDimension)
    levels = IndexTensor([0] + stages.indices.flatMap { [Int32](repeating: Int32($0 + 1), count: stages[$0].count) })
    visibleCounts = [1] + stages.flatMap { [Int](repeating: $0.lowerBound + 1, count: $0.count) }
  }

  public var layout: TokenLayout { configuration.layout }
  public var classCount: Int { configuration.classCount }

  public func callAsFunction(
    latents_BLD: Tensor, known: Int, labels: IndexTensor
  ) -> (latents_BLD: Tensor, logits_BLV: Tensor) {
    withoutGradient {
      let (class_BC, kind_1LC) = (classEmbedding(labels), inputKind(known: known))
      let start_B1C = class_BC.inserting(axis: 1) + positionStart
      let place_1LC = position + levelEmbedding(levels).inserting(axis: 0) + kind_1LC
      var x_BLC = Tensor.concatenated([start_B1C, wordEmbedding(latents_BLD)], axis: 1) + place_1LC
      let activated_BC = class_BC.silu()
      let condition = sharedAdaLin.map { $0(activated_BC) } ?? activated_BC
      for (block, layerKind) in zip(blocks, layerKinds) {
        x_BLC = block(x_BLC, condition: condition, counts: visibleCounts, added_1LC: layerKind(kind_1LC))
      }
      x_BLC = x_BLC + layerKinds[blocks.count](kind_1LC)
      let h_BLC = x_BLC.sliced(axis: 1, 1..<visibleCounts.count)
      let parts = headNorm(activated_BC).split(axis: 1, [configuration.width, configuration.width])
      let normed_BLC = layerNormModulate(h_BLC, scale_BC: parts[0], shift_BC: parts[1], epsilon: VARTrunk.epsilon)
      return (latentHead(h_BLC, class_BC: class_BC), head(normed_BLC))
    }
  }
}
