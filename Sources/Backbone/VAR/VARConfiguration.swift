import NN

/// Sizes of a VAR transformer (Tian et al. 2024; FoundationVision/VAR, `models/var.py`).
public struct VARConfiguration: Codable, Equatable, Sendable {
  /// Number of blocks.
  public var depth: Int
  /// Width of the hidden states (C).
  public var width: Int
  /// Attention heads (H).
  public var heads: Int
  /// Number of classes; one more embedding stands for 'no class'.
  public var classCount: Int
  /// Tokens per side of each scale.
  public var patchSides: [Int]
  /// Latent dimension (D).
  public var latentDimension: Int
  /// Codebook size (V).
  public var vocabulary: Int
  /// Width of the feed-forward relative to C.
  public var feedForwardRatio: Int
  /// One adaLN projection for all blocks (VAR-d36) instead of one per block.
  public var sharesAdaLN: Bool
  /// L2-normalised queries and keys with a learned scale per head.
  public var normalizesAttention: Bool

  /// A configuration; defaults are those of VAR on ImageNet-256.
  public init(
    depth: Int, width: Int, heads: Int, classCount: Int = 1000,
    patchSides: [Int] = [1, 2, 3, 4, 5, 6, 8, 10, 13, 16], latentDimension: Int = 32, vocabulary: Int = 4096,
    feedForwardRatio: Int = 4, sharesAdaLN: Bool = false, normalizesAttention: Bool = true
  ) {
    self.depth = depth
    self.width = width
    self.heads = heads
    self.classCount = classCount
    self.patchSides = patchSides
    self.latentDimension = latentDimension
    self.vocabulary = vocabulary
    self.feedForwardRatio = feedForwardRatio
    self.sharesAdaLN = sharesAdaLN
    self.normalizesAttention = normalizesAttention
  }

  /// Order and grouping of the tokens.
  public var layout: TokenLayout { TokenLayout(patchSides: patchSides) }

  /// What `feedForwardRatio` may be; the published models have 4.
  public static let feedForwardRatios = 1...64

  /// Tokens per side of each scale at 512 pixels.
  private static let patchSides512 = [1, 2, 3, 4, 6, 9, 13, 18, 24, 32]

  /// The published models by name, `var-d16` to `var-d30` at 256 pixels and `var-d36` at 512: 64 channels a head, as
  /// many heads as blocks.
  public static let presets: [String: VARConfiguration] = {
    var presets = Dictionary(
      uniqueKeysWithValues: [16, 20, 24, 30].map { depth in
        ("var-d\(depth)", VARConfiguration(depth: depth, width: 64 * depth, heads: depth))
      })
    presets["var-d36"] = VARConfiguration(
      depth: 36, width: 64 * 36, heads: 36, patchSides: patchSides512, sharesAdaLN: true)
    return presets
  }()
}

extension VARConfiguration: CheckedSettings {
  public func check() throws(SettingsError) {
    try Setting.within(Setting.depths, depth, "depth")
    try Setting.within(Setting.widths, width, "width")
    try Setting.divisor(heads, of: width, "heads")
    try Setting.within(Setting.extents, classCount, "classCount")
    try TokenLayout.check(patchSides: patchSides)
    try Setting.within(Setting.widths, latentDimension, "latentDimension")
    try Setting.within(Setting.extents, vocabulary, "vocabulary")
    try Setting.within(Self.feedForwardRatios, feedForwardRatio, "feedForwardRatio")
    // The tables of classes, places and codes, the modulation and the feed-forward.
    let rows = max(classCount + 1, layout.count, vocabulary, 6 * width, feedForwardRatio * width)
    try Setting.within(Setting.weights, rows * width, "the number of elements of the largest weight")
  }
}
