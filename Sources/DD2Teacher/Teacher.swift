import Backbone
import NN
import TensorCore

/// How the teacher's next-token distribution is shaped before it is sampled or distilled.
public struct Guidance: Codable, Equatable, Sendable {
  /// Classifier-free guidance in the family's own convention; 0 is none.
  public var cfg: Float
  /// Divides the logits.
  public var temperature: Float
  /// Keeps the k most likely tokens; 0 keeps all.
  public var topK: Int
  /// Keeps the most likely tokens up to this mass; 1 keeps all.
  public var topP: Float

  /// No shaping by default.
  public init(cfg: Float = 0, temperature: Float = 1, topK: Int = 0, topP: Float = 1) {
    self.cfg = cfg
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
  }
}

extension Guidance: CheckedSettings {
  public func check() throws(SettingsError) {
    try Setting.within(0...1000, cfg, "cfg")
    // Below this, logits leave the range of their number format.
    try Setting.atLeast(0.001, temperature, "temperature")
    try Setting.atLeast(0, topK, "topK")
    guard topP > 0, topP <= 1 else { throw SettingsError("topP is \(topP), not above 0 and at most 1") }
  }
}

/// An auto-regressive image model with its tokenizer: what is distilled. One implementation per family.
public protocol Teacher: Sendable {
  /// Sizes of the trunk, from which student networks are built.
  var trunkConfiguration: TrunkConfiguration { get }
  /// Weights of the trunk as `trunkConfiguration` builds it, with its own paths: what stage 1 starts from. Where the
  /// students' trunk has an input that the teacher has not, the teacher derives its weights.
  var trunkState: StateDict { get }
  /// Weights of the classifier over the codebook: `weight` (V, C) and `bias` (V).
  var classifierState: StateDict { get }
  /// The tokenizer's fixed part that turns latents into inputs.
  var mapState: StateDict { get }
  /// The token vectors in unit scale.
  var codebook: Codebook { get }
  /// Number of classes.
  var classCount: Int { get }
  /// Side of the images in pixels.
  var imageSide: Int { get }

  /// Teacher-forced logits (B, L, V) with classifier-free guidance in the family's own convention.
  func logits(ids_BL: IndexTensor, labels: IndexTensor, cfg: Float) -> Tensor

  /// Draws token sequences stage by stage with cached keys and values: (B, L). A stage is a step (`Backend.step`).
  /// - Parameters:
  ///   - prefix: tokens (B, n) of the first stages, whole ones and not all, which are read in the first call instead of
  ///     drawn; nil for none.
  ///   - choose: picks the tokens (B, l) at a stage's place from their log-probabilities (B, l, V).
  /// - Throws: `NonFiniteOutput`, after all stages.
  func generate(
    labels: IndexTensor, guidance: Guidance, prefix: IndexTensor?,
    choose: (_ place: StagePlace, _ logProbabilities_BlV: Tensor) -> IndexTensor
  ) throws -> IndexTensor

  /// Token ids (B, L) to images (B, h, w, 3) in [-1, 1].
  /// - Throws: `NonFiniteOutput`.
  func decode(ids_BL: IndexTensor) throws -> Tensor

  /// Images (B, h, w, 3) in [-1, 1] to token ids (B, L).
  /// - Throws: `NonFiniteOutput`.
  func encode(images_BhwC: Tensor) throws -> IndexTensor
}

extension Teacher {
  /// Order and grouping of the tokens.
  public var layout: TokenLayout { trunkConfiguration.layout }

  /// Log-probabilities of every token given the clean ones of earlier stages: (B, L, V), normalised.
  public func logProbabilities(ids_BL: IndexTensor, labels: IndexTensor, guidance: Guidance) -> Tensor {
    withoutGradient {
      guidance.logProbabilities(logits: logits(ids_BL: ids_BL, labels: labels, cfg: guidance.cfg))
    }
  }

  /// As `generate(labels:guidance:prefix:choose:)`, from the first stage on.
  public func generate(
    labels: IndexTensor, guidance: Guidance,
    choose: (_ place: StagePlace, _ logProbabilities_BlV: Tensor) -> IndexTensor
  ) throws -> IndexTensor {
    try generate(labels: labels, guidance: guidance, prefix: nil, choose: choose)
  }

  /// Samples token sequences (B, L): sample i depends on (seed, `indices[i]`), and on its prefix, alone.
  /// - Parameters:
  ///   - prefix: see `generate(labels:guidance:prefix:choose:)`.
  ///   - purpose: other draws of the same seed have another one.
  /// - Throws: `NonFiniteOutput`.
  public func sample(
    labels: IndexTensor, guidance: Guidance, seed: UInt64, indices: [Int], prefix: IndexTensor? = nil,
    purpose: String = "teacher.sample"
  ) throws -> IndexTensor {
    precondition(labels.count == indices.count, "sample: \(labels.count) labels, \(indices.count) indices")
    // A sample's stream gives its tokens' numbers in the order in which it draws them.
    let first = prefix?.shape[1] ?? 0
    let uniform_Bn = RandomNumbers(seed: seed, purpose: purpose)
      .uniform([indices.count, layout.count - first], samples: RandomCounter(indices))
    let numbers = PlacedRows(uniform_Bn, from: first)
    return try generate(labels: labels, guidance: guidance, prefix: prefix) { place, logProbabilities_BlV in
      drawTokens(logProbabilities_BlV, uniform: numbers.at(place))
    }
  }

  /// Takes the most likely token everywhere: (B, L).
  /// - Throws: `NonFiniteOutput`.
  public func sampleGreedily(labels: IndexTensor, guidance: Guidance) throws -> IndexTensor {
    try generate(labels: labels, guidance: guidance) { _, logProbabilities in logProbabilities.argmax() }
  }

  /// As many labels that stand for 'no class'.
  func noClass(_ labels: IndexTensor) -> IndexTensor { IndexTensor(repeating: classCount, labels.shape) }
}

/// A transformer as its training sees it.
public protocol TrainableTransformer: Sendable {
  /// All weights.
  var parameters: ParameterSet { get }
  /// Number of classes; the label of this value stands for 'no class'.
  var classCount: Int { get }
  /// Teacher-forced logits (B, L, V) of token ids (B, L); gradients reach `parameters`.
  func logits(ids_BL: IndexTensor, labels: IndexTensor) -> Tensor
}
