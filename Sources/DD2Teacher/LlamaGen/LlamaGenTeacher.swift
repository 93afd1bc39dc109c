import Backbone
import NN
import TensorCore

/// The LlamaGen family behind the `Teacher` protocol: transformer and tokenizer.
///
/// Guidance is `uncond + cfg (cond - uncond)` for cfg > 1; at 1 and below there is none (`autoregressive/models/
/// generate.py`). Temperature, top-k and top-p follow in this order.
public struct LlamaGenTeacher: Teacher {
  /// The transformer.
  public let transformer: LlamaGenTransformer
  /// The tokenizer.
  public let tokenizer: VQTokenizer
  public let codebook: Codebook

  /// A teacher from its two parts.
  public init(transformer: LlamaGenTransformer, tokenizer: VQTokenizer) {
    let sizes = (transformer.configuration, tokenizer.configuration)
    precondition(
      sizes.0.latentDimension == sizes.1.latentDimension && sizes.0.vocabulary == sizes.1.vocabulary,
      "LlamaGenTeacher: transformer and tokenizer disagree about latent dimension or codebook size")
    self.transformer = transformer
    self.tokenizer = tokenizer
    codebook = Codebook(teacherVectors_VD: tokenizer.codes_VD.stopGradient())
  }

  public var trunkConfiguration: TrunkConfiguration { .nextToken(transformer.configuration) }
  public var trunkState: StateDict {
    LlamaGenTrunk.state(body: transformer.bodyState, codes_VD: tokenizer.codes_VD.stopGradient())
  }
  public var classifierState: StateDict {
    let output = transformer.parameters.stateDict { $0.hasPrefix(LlamaGenTransformer.classifierName + ".") }
      .removingPrefix(LlamaGenTransformer.classifierName)
    return output.merging(StateDict(["bias": .zeros([transformer.configuration.vocabulary])]))
  }
  public var mapState: StateDict { LlamaGenConfiguration.mapState(codes_VD: tokenizer.codes_VD.stopGradient()) }
  public var classCount: Int { transformer.configuration.classCount }
  public var imageSide: Int { transformer.configuration.side * tokenizer.configuration.downsampling }

  public func logits(ids_BL: IndexTensor, labels: IndexTensor, cfg: Float) -> Tensor {
    let conditional = transformer.logits(ids_BL: ids_BL, labels: labels)
    guard Self.isGuided(cfg) else { return conditional }
    let unconditional = transformer.logits(ids_BL: ids_BL, labels: noClass(labels))
    return Self.guided(conditional, unconditional, cfg: cfg)
  }

  /// Whether a strength has any effect.
  static func isGuided(_ cfg: Float) -> Bool { cfg > 1 }

  private static func guided(_ conditional: Tensor, _ unconditional: Tensor, cfg: Float) -> Tensor {
    unconditional + (conditional - unconditional) * cfg
  }

  public func generate(
    labels: IndexTensor, guidance: Guidance, prefix: IndexTensor?,
    choose: (_ place: StagePlace, _ logProbabilities_BlV: Tensor) -> IndexTensor
  ) throws -> IndexTensor {
    try withoutGradient {
      let B = labels.count
      let isGuided = Self.isGuided(guidance.cfg)
      // Conditional and unconditional sequences in one batch, as in the reference.
      let rows = isGuided ? IndexTensor.concatenated([labels, noClass(labels)], axis: 0) : labels
      let cache = transformer.configuration.makeCache(batch: rows.count)
      var check = OutputCheck(.teacherTransformer)
      var tokens = layout.stagesCovered(by: prefix)
      var unread = prefix
      for stage in tokens.count..<layout.count {
        Backends.step {
          let shown = isGuided ? unread.map { IndexTensor.concatenated([$0, $0], axis: 0) } : unread
          var logits = transformer.nextLogits(labels: rows, shown: shown, cache: cache)
          if isGuided {
            logits = Self.guided(
              logits.sliced(axis: 0, 0..<B), logits.sliced(axis: 0, B..<(2 * B)), cfg: guidance.cfg)
          }
          let ids = choose(layout.place(stage), guidance.logProbabilities(logits: logits, &check))
          tokens.append(ids)
          unread = ids
        }
      }
      try check.verify()
      return IndexTensor.joined(columns: tokens)
    }
  }

  public func decode(ids_BL: IndexTensor) throws -> Tensor {
    try withoutGradient { try tokenizer.decode(latents_BLD: tokenizer.codes_VD.gatherRows(ids_BL)) }
  }

  public func encode(images_BhwC: Tensor) throws -> IndexTensor {
    try tokenizer.encode(images_BhwC: images_BhwC)
  }
}
