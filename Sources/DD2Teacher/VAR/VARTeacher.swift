import Backbone
import NN
import TensorCore

/// The VAR family behind the `Teacher` protocol: transformer and multi-scale tokenizer.
public struct VARTeacher: Teacher {
  /// The transformer.
  public let transformer: VARTransformer
  /// The tokenizer.
  public let tokenizer: VQVAE
  public let codebook: Codebook

  /// A teacher from its two parts.
  public init(transformer: VARTransformer, tokenizer: VQVAE) {
    let sizes = (transformer.configuration, tokenizer.configuration)
    precondition(
      sizes.0.patchSides == sizes.1.patchSides && sizes.0.latentDimension == sizes.1.latentDimension
        && sizes.0.vocabulary == sizes.1.vocabulary,
      "VARTeacher: transformer and tokenizer disagree about scales, latent dimension or codebook size")
    self.transformer = transformer
    self.tokenizer = tokenizer
    codebook = Codebook(teacherVectors_VD: tokenizer.embedding.stopGradient())
  }

  public var trunkConfiguration: TrunkConfiguration { .nextScale(transformer.configuration) }
  public var trunkState: StateDict {
    transformer.parameters.stateDict { !$0.hasPrefix(VARTransformer.classifierName + ".") }
  }
  public var classifierState: StateDict {
    transformer.parameters.stateDict { $0.hasPrefix(VARTransformer.classifierName + ".") }
      .removingPrefix(VARTransformer.classifierName)
  }
  public var mapState: StateDict {
    tokenizer.parameters.stateDict { $0.hasPrefix("quantize.quant_resi.") }.removingPrefix("quantize")
  }
  public var classCount: Int { transformer.configuration.classCount }
  public var imageSide: Int { tokenizer.configuration.imageSide }

  public func logits(ids_BL: IndexTensor, labels: IndexTensor, cfg: Float) -> Tensor {
    let inputs = tokenizer.map.inputs(latents_BLD: tokenizer.embedding.gatherRows(ids_BL))
    let conditional = transformer.logits(inputs_BLD: inputs, labels: labels)
    guard cfg != 0 else { return conditional }
    let unconditional = transformer.logits(inputs_BLD: inputs, labels: noClass(labels))
    let stages = layout.stageLengths.count
    let strengths = layout.stageLengths.enumerated().flatMap { scale, length in
      [Float](repeating: Self.strength(cfg: cfg, scale: scale, scaleCount: stages), count: length)
    }
    let s_L1 = Tensor(strengths, [layout.count, 1])
    return (s_L1 + 1) * conditional - s_L1 * unconditional
  }

  /// VAR's ramp: guidance grows linearly over the scales, from 0 to `cfg`.
  static func strength(cfg: Float, scale: Int, scaleCount: Int) -> Float {
    scaleCount > 1 ? cfg * Float(scale) / Float(scaleCount - 1) : cfg
  }

  public func generate(
    labels: IndexTensor, guidance: Guidance, prefix: IndexTensor?,
    choose: (_ place: StagePlace, _ logProbabilities_BlV: Tensor) -> IndexTensor
  ) throws -> IndexTensor {
    try withoutGradient { try generateStages(labels: labels, guidance: guidance, prefix: prefix, choose: choose) }
  }

  private func generateStages(
    labels: IndexTensor, guidance: Guidance, prefix: IndexTensor?, choose: (StagePlace, Tensor) -> IndexTensor
  ) throws -> IndexTensor {
    let B = labels.count
    let isGuided = guidance.cfg != 0
    let doubled = isGuided ? IndexTensor.concatenated([labels, noClass(labels)], axis: 0) : labels
    let cache = transformer.configuration.makeCache(batch: doubled.count)
    let sides = transformer.configuration.patchSides
    var check = OutputCheck(.teacherTransformer)
    var map: Tensor?
    var perScale = layout.stagesCovered(by: prefix)
    let given = perScale.count
    // Scales that the transformer has not read yet, and what the map shows them.
    var (first, views): (Int, [Tensor]) = (0, [])
    for scale in sides.indices {
      Backends.step {
        if scale >= given {
          let shown = views.isEmpty ? nil : Tensor.concatenated(views, axis: 1)
          let input = isGuided ? shown.map { Tensor.concatenated([$0, $0], axis: 0) } : shown
          var logits = transformer.lastLogits(scales: first...scale, views_BlD: input, labels: doubled, cache: cache)
          if isGuided {
            let s = Self.strength(cfg: guidance.cfg, scale: scale, scaleCount: sides.count)
            logits = logits.sliced(axis: 0, 0..<B) * (1 + s) - logits.sliced(axis: 0, B..<(2 * B)) * s
          }
          perScale.append(choose(layout.place(scale), guidance.logProbabilities(logits: logits, &check)))
          (first, views) = (scale + 1, [])
        }
        guard scale + 1 < sides.count else { return }
        let added = tokenizer.map.contribution(
          latents_BlD: tokenizer.embedding.gatherRows(perScale[scale]), scale: scale)
        let sum = map.map { $0 + added } ?? added
        map = sum
        views.append(tokenizer.map.view(of: sum, side: sides[scale + 1]))
      }
    }
    try check.verify()
    return IndexTensor.joined(columns: perScale)
  }

  public func decode(ids_BL: IndexTensor) throws -> Tensor {
    try withoutGradient { try tokenizer.decode(ids_BL: ids_BL) }
  }

  public func encode(images_BhwC: Tensor) throws -> IndexTensor {
    try tokenizer.encode(images_BhwC: images_BhwC)
  }
}
