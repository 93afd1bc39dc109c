import NN
import TensorCore

/// VAR's transformer without its classifier (Tian et al. 2024; FoundationVision/VAR, `models/var.py`).
///
/// Parameter paths are the reference's state-dict keys. The feature map's phi convolutions belong to the tokenizer;
/// the trunk takes them as fixed.
public struct VARTrunk: Trunk {
  /// Sizes.
  public let configuration: VARConfiguration
  /// The tokenizer's residual map, which turns latents into inputs.
  public let map: MultiScaleMap
  private let classEmbedding: Embedding
  private let positionStart: Tensor
  private let position: Tensor
  private let levelEmbedding: Embedding
  private let wordEmbedding: Linear
  private let blocks: [VARBlock]
  private let sharedAdaLin: Linear?
  private let headNorm: Linear
  private let levels: IndexTensor
  private let visibleCounts: [Int]

  static let epsilon: Float = 1e-6

  /// Registers the trunk's parameters.
  public init(_ builder: ParameterBuilder, _ configuration: VARConfiguration, map: MultiScaleMap) {
    precondition(
      configuration.width % configuration.heads == 0,
      "VARTrunk: width \(configuration.width) is no multiple of \(configuration.heads) heads")
    self.configuration = configuration
    self.map = map
    let C = configuration.width
    let layout = configuration.layout
    // About the size of an embedded latent, so that places, scales and classes are heard beside the contents.
    let deviation: Float = 0.4
    positionStart = builder.parameter(
      "pos_start", [1, layout.stageLengths[0], C], .normal(deviation), isDecayed: false)
    position = builder.parameter("pos_1LC", [1, layout.count, C], .normal(deviation), isDecayed: false)
    wordEmbedding = Linear(builder / "word_embed", configuration.latentDimension, C)
    classEmbedding = Embedding(
      builder / "class_emb", rows: configuration.classCount + 1, width: C, initializer: .normal(deviation))
    levelEmbedding = Embedding(
      builder / "lvl_embed", rows: layout.stageLengths.count, width: C, initializer: .normal(deviation),
      isDecayed: false)
    sharedAdaLin =
      configuration.sharesAdaLN
      ? Linear(builder / "shared_ada_lin" / 1, C, 6 * C, initializer: .normal(0.5 / Float(C).squareRoot())) : nil
    blocks = (0..<configuration.depth).map { VARBlock(builder / "blocks" / $0, configuration, index: $0) }
    visibleCounts = layout.visibleCounts
    headNorm = Linear(
      builder / "head_nm" / "ada_lin" / 1, C, 2 * C, initializer: .normal(0.5 / Float(C).squareRoot()))
    let perToken = layout.stageLengths.enumerated().flatMap { level, length in
      [Int32](repeating: Int32(level), count: length)
    }
    levels = IndexTensor(perToken, [layout.count])
  }

  public var layout: TokenLayout { configuration.layout }
  public var width: Int { configuration.width }
  public var latentDimension: Int { configuration.latentDimension }

  /// The map reads latents, whether their tokens are known or not.
  public func hiddenStates(
    latents_BLD: Tensor, known_Bm: IndexTensor?, labels: IndexTensor, extra_BLC: Tensor?
  ) -> Tensor {
    hiddenStates(inputs_BLD: map.inputs(latents_BLD: latents_BLD), labels: labels, extra_BLC: extra_BLC)
  }

  /// As `hiddenStates(latents_BLD:labels:extra_BLC:)`, from the map's views (B, L - l_0, D) of scales 1 and up, to the last
  /// or any other.
  public func hiddenStates(inputs_BLD: Tensor, labels: IndexTensor, extra_BLC: Tensor? = nil) -> Tensor {
    let class_BC = classEmbedding(labels)
    let start_BlC = class_BC.inserting(axis: 1) + positionStart
    let contents_BLC = Tensor.concatenated([start_BlC, wordEmbedding(inputs_BLD)], axis: 1)
    let L = contents_BLC.dims3.1
    var x_BLC = contents_BLC + positions.sliced(axis: 1, 0..<L)
    if let extra_BLC { x_BLC = x_BLC + extra_BLC }
    return run(x_BLC, class_BC: class_BC, visibility: .counts(Array(visibleCounts.prefix(L))), cache: nil)
  }

  /// Hidden states of consecutive scales, given the cached keys and values of the scales before them.
  /// - Parameter views_BlD: what the map shows each of these scales, side by side; the first of all is shown nothing.
  /// - Returns: (B, l, C)
  public func hiddenStates(
    scales: ClosedRange<Int>, views_BlD: Tensor?, labels: IndexTensor, cache: KeyValueCache
  ) -> Tensor {
    let class_BC = classEmbedding(labels)
    let start_BlC = scales.lowerBound == 0 ? class_BC.inserting(axis: 1) + positionStart : nil
    let input_BlC = Tensor.concatenated([start_BlC, views_BlD.map { wordEmbedding($0) }].compactMap { $0 }, axis: 1)
    let stages = layout.stages
    let place = stages[scales.lowerBound].lowerBound..<stages[scales.upperBound].upperBound
    let states_BlC = run(
      input_BlC + positions.sliced(axis: 1, place), class_BC: class_BC,
      visibility: .counts(Array(visibleCounts[place])), cache: cache)
    cache.advance(by: place.count)
    return states_BlC
  }

  /// Position plus level embedding, (1, L, C).
  private var positions: Tensor { position + levelEmbedding(levels).inserting(axis: 0) }

  private func run(_ input: Tensor, class_BC: Tensor, visibility: Visibility, cache: KeyValueCache?) -> Tensor {
    let activated_BC = class_BC.silu()
    let condition = sharedAdaLin.map { $0(activated_BC) } ?? activated_BC
    var x_BLC = input
    for block in blocks {
      x_BLC = recomputable(x_BLC) { block($0, condition: condition, visibility: visibility, cache: cache) }
    }
    let scaleAndShift = headNorm(activated_BC).split(axis: 1, [width, width])
    return layerNormModulate(x_BLC, scale_BC: scaleAndShift[0], shift_BC: scaleAndShift[1], epsilon: Self.epsilon)
  }
}
