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

  /// An adaptation; the default is none.
  public init(extraLayers: Int = 0, isBidirectional: Bool = false, noiseGain: Float = 0) {
    self.extraLayers = extraLayers
    self.isBidirectional = isBidirectional
    self.noiseGain = noiseGain
  }

  /// How many positions each of L sees, where the teacher lets it see `causal`.
  func visibleCounts(_ causal: [Int]) -> [Int] {
    isBidirectional ? Array(repeating: causal.count, count: causal.count) : causal
  }
}
