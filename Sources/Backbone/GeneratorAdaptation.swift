import NN

/// How a generator departs from the network of stage 1.
///
/// The teacher picks a token per call and reads it back; the generator makes all those choices inside one call, each
/// upon the others.
public struct GeneratorAdaptation: Codable, Equatable, Sendable {
  /// Layers behind the teacher's; they start as the identity.
  public var extraLayers: Int
  /// Whether every position sees all others, in place of the teacher's causal order.
  public var isBidirectional: Bool
  /// What the learned gain of a token's own noise in its logits starts at; 0 for none (`OneStepGenerator`).
  public var noiseGain: Float
  /// Whether a token's own noise is added to the trunk's input at its position; without it the noise reaches the head alone.
  public var readsOwnNoise: Bool
  /// How many parts the stages are cut into, each drawn by a network of its own that reads the parts before
  /// (`OneStepGenerator`).
  public var parts: Int

  /// An adaptation; the default is none but the own noise, which begins as one.
  public init(
    extraLayers: Int = 0, isBidirectional: Bool = false, noiseGain: Float = 0, readsOwnNoise: Bool = true,
    parts: Int = 1
  ) {
    self.extraLayers = extraLayers
    self.isBidirectional = isBidirectional
    self.noiseGain = noiseGain
    self.readsOwnNoise = readsOwnNoise
    self.parts = parts
  }

  /// Decodes; what a file does not say, as older ones do not, is the default.
  /// - Throws: `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      extraLayers: try fields.decodeIfPresent(Int.self, forKey: .extraLayers) ?? 0,
      isBidirectional: try fields.decodeIfPresent(Bool.self, forKey: .isBidirectional) ?? false,
      noiseGain: try fields.decodeIfPresent(Float.self, forKey: .noiseGain) ?? 0,
      readsOwnNoise: try fields.decodeIfPresent(Bool.self, forKey: .readsOwnNoise) ?? true,
      parts: try fields.decodeIfPresent(Int.self, forKey: .parts) ?? 1)
  }

  /// How many positions each of L sees, where the teacher lets it see `causal`.
  func visibleCounts(_ causal: [Int]) -> [Int] {
    isBidirectional ? Array(repeating: causal.count, count: causal.count) : causal
  }
}

extension GeneratorAdaptation: CheckedSettings {
  /// How many parts a teacher's stages allow is another matter: `TokenLayout.parts`.
  public func check() throws(SettingsError) {
    try Setting.within(0...1000, extraLayers, "extraLayers")
    try Setting.atLeast(0, noiseGain, "noiseGain")
    try Setting.atLeast(1, parts, "parts")
  }
}
