import NN

/// Sizes of a LlamaGen transformer (Sun et al. 2024; FoundationVision/LlamaGen, `autoregressive/models/gpt.py`).
public struct LlamaGenConfiguration: Codable, Equatable, Sendable {
  /// Number of layers.
  public var depth: Int
  /// Width of the hidden states (C).
  public var width: Int
  /// Attention heads (H); their width is a multiple of 4.
  public var heads: Int
  /// Number of classes; one more embedding stands for 'no class'.
  public var classCount: Int
  /// Tokens per side of the image.
  public var side: Int
  /// Latent dimension (D) of the tokenizer's codes.
  public var latentDimension: Int
  /// Codebook size (V).
  public var vocabulary: Int

  /// A configuration; defaults are those of the class-conditional models at 256 pixels.
  public init(
    depth: Int, width: Int, heads: Int, classCount: Int = 1000, side: Int = 16, latentDimension: Int = 8,
    vocabulary: Int = 16384
  ) {
    self.depth = depth
    self.width = width
    self.heads = heads
    self.classCount = classCount
    self.side = side
    self.latentDimension = latentDimension
    self.vocabulary = vocabulary
  }

  /// What `side` may be; the published models have 16 and 24.
  public static let sides = 2...128

  /// Raster order; each token is a stage of its own.
  public var layout: TokenLayout { TokenLayout(stageLengths: Array(repeating: 1, count: side * side)) }

  /// Width of the feed-forward's hidden layer: two thirds of 4 C, rounded down, then up to a multiple of 256.
  public var feedForwardWidth: Int { (4 * width * 2 / 3 + 255) / 256 * 256 }

  private static let sizes: [(name: String, depth: Int, width: Int, heads: Int)] = [
    ("b", 12, 768, 12), ("l", 24, 1024, 16), ("xl", 36, 1280, 20), ("xxl", 48, 1536, 24), ("3b", 24, 3200, 32),
  ]
  /// Image sides in pixels with their tokens per side, under the f16 tokenizer.
  private static let grids = [(pixels: 256, side: 16), (pixels: 384, side: 24)]

  /// The published class-conditional models by name, `llamagen-b-256` to `llamagen-3b-384`.
  public static let presets: [String: LlamaGenConfiguration] = Dictionary(
    uniqueKeysWithValues: sizes.flatMap { size in
      grids.map { grid in
        (
          "llamagen-\(size.name)-\(grid.pixels)",
          LlamaGenConfiguration(depth: size.depth, width: size.width, heads: size.heads, side: grid.side)
        )
      }
    })
}

extension LlamaGenConfiguration: CheckedSettings {
  public func check() throws(SettingsError) {
    try Setting.within(Setting.depths, depth, "depth")
    try Setting.within(Setting.widths, width, "width")
    try Setting.divisor(heads, of: width, "heads")
    guard width / heads % 4 == 0 else {
      throw SettingsError("heads is \(heads), which makes heads of width \(width / heads), no multiple of 4")
    }
    try Setting.within(Setting.extents, classCount, "classCount")
    try Setting.within(Self.sides, side, "side")
    try Setting.within(Setting.widths, latentDimension, "latentDimension")
    try Setting.within(Setting.extents, vocabulary, "vocabulary")
    // The tables of classes and codes, attention and the feed-forward.
    let rows = max(classCount + 1, vocabulary, 3 * width, feedForwardWidth)
    try Setting.within(Setting.weights, rows * width, "the number of elements of the largest weight")
  }
}
