import NN

/// How a generator departs from the network of stage 1.
///
/// The teacher picks a token per call and reads it back; the generator makes all those choices inside one call, each
/// upon the others.
public struct GeneratorAdaptation: Codable, Equatable, Sendable {
  /// What the learned gain of a token's own noise in its logits starts at; 0 for none (`OneStepGenerator`).
  public var noiseGain: Float
  /// How many parts the stages are cut into, each drawn by a network of its own that reads the parts before; 1 is the
  /// one-step generator (`OneStepGenerator`).
  public var parts: Int

  /// An adaptation; the default is none.
  public init(noiseGain: Float = 0, parts: Int = 1) {
    self.noiseGain = noiseGain
    self.parts = parts
  }

  /// Forms of earlier versions that this one does not build.
  private enum Removed: String, CodingKey {
    case extraLayers, isBidirectional, readsOwnNoise
  }

  /// Decodes; what a file does not say, as older ones do not, is the default.
  /// - Throws: `DecodingError`, also for a form that is no longer built.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let removed = try decoder.container(keyedBy: Removed.self)
    guard try removed.decodeIfPresent(Int.self, forKey: .extraLayers) ?? 0 == 0,
      try removed.decodeIfPresent(Bool.self, forKey: .isBidirectional) ?? false == false,
      try removed.decodeIfPresent(Bool.self, forKey: .readsOwnNoise) ?? true
    else {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: decoder.codingPath,
          debugDescription: "extra layers, both directions or no own noise are forms of an earlier version"))
    }
    self.init(
      noiseGain: try fields.decodeIfPresent(Float.self, forKey: .noiseGain) ?? 0,
      parts: try fields.decodeIfPresent(Int.self, forKey: .parts) ?? 1)
  }
}

extension GeneratorAdaptation: CheckedSettings {
  /// How many parts a teacher's stages allow is another matter: `TokenLayout.parts`.
  public func check() throws(SettingsError) {
    try Setting.atLeast(0, noiseGain, "noiseGain")
    try Setting.atLeast(1, parts, "parts")
  }
}
