import Backbone
import DD2Teacher
import NN

/// Sizes of a teacher of small images, as people choose them; all else of its configuration follows from them.
public struct TrainingSizes: Equatable, Sendable {
  /// How an image becomes tokens, which is what makes the family.
  public enum Tokens: Equatable, Sendable {
    /// VAR: tokens per side of each scale, rising.
    case scales([Int])
    /// LlamaGen: tokens per side.
    case grid(Int)

    /// Tokens per side of the latent image.
    var side: Int {
      switch self {
      case .scales(let sides): sides.last ?? 0
      case .grid(let side): side
      }
    }
  }

  /// Side of the images in pixels: that of the latent image times a power of two.
  public var side: Int
  /// How an image becomes tokens.
  public var tokens: Tokens
  /// Number of codes.
  public var codebook: Int
  /// Width of the transformer.
  public var width: Int
  /// Its number of layers.
  public var depth: Int

  /// VAR by default: 130 tokens in six scales.
  public static let nextScale = TrainingSizes(
    side: 32, tokens: .scales([1, 2, 3, 4, 6, 8]), codebook: 256, width: 160, depth: 6)
  /// LlamaGen by default: 64 tokens one by one.
  public static let nextToken = TrainingSizes(side: 32, tokens: .grid(8), codebook: 256, width: 192, depth: 4)

  /// The sizes of a teacher.
  public init(of teacher: TeacherConfiguration) {
    switch teacher {
    case .nextScale(let transformer, let tokenizer):
      self.init(
        side: tokenizer.imageSide, tokens: .scales(tokenizer.patchSides), codebook: tokenizer.vocabulary,
        width: transformer.width, depth: transformer.depth)
    case .nextToken(let transformer, let tokenizer):
      self.init(
        side: transformer.side * tokenizer.downsampling, tokens: .grid(transformer.side),
        codebook: tokenizer.vocabulary, width: transformer.width, depth: transformer.depth)
    }
  }

  private init(side: Int, tokens: Tokens, codebook: Int, width: Int, depth: Int) {
    (self.side, self.tokens, self.codebook, self.width, self.depth) = (side, tokens, codebook, width, depth)
  }

  // MARK: What follows

  /// The configuration of a teacher of these sizes, which are sound.
  public func configuration(classCount: Int) -> TeacherConfiguration {
    let multipliers = channelMultipliers
    switch tokens {
    case .scales(let sides):
      let tokenizer = VQVAEConfiguration(
        channels: 32, channelMultipliers: multipliers, residualBlocks: 1, normGroups: 8, latentDimension: 8,
        vocabulary: codebook, patchSides: sides)
      return .nextScale(transformer: transformer(over: tokenizer, classCount), tokenizer: tokenizer)
    case .grid(let side):
      let tokenizer = VQConfiguration(
        channels: 32, channelMultipliers: multipliers, residualBlocks: 1, normGroups: 8, latentChannels: 32,
        vocabulary: codebook)
      return .nextToken(transformer: transformer(over: tokenizer, side: side, classCount), tokenizer: tokenizer)
    }
  }

  /// The tokenizer of a teacher under a transformer of this width and depth.
  public func configuration(over teacher: TeacherConfiguration, classCount: Int) -> TeacherConfiguration {
    switch teacher {
    case .nextScale(_, let tokenizer):
      .nextScale(transformer: transformer(over: tokenizer, classCount), tokenizer: tokenizer)
    case .nextToken(let old, let tokenizer):
      .nextToken(transformer: transformer(over: tokenizer, side: old.side, classCount), tokenizer: tokenizer)
    }
  }

  private func transformer(over tokenizer: VQVAEConfiguration, _ classCount: Int) -> VARConfiguration {
    VARConfiguration(
      depth: depth, width: width, heads: width / Self.headWidth, classCount: classCount,
      patchSides: tokenizer.patchSides, latentDimension: tokenizer.latentDimension, vocabulary: tokenizer.vocabulary)
  }

  private func transformer(
    over tokenizer: VQConfiguration, side: Int, _ classCount: Int
  ) -> LlamaGenConfiguration {
    LlamaGenConfiguration(
      depth: depth, width: width, heads: width / Self.headWidth, classCount: classCount, side: side,
      latentDimension: tokenizer.latentDimension, vocabulary: tokenizer.vocabulary)
  }

  /// Channels of an attention head.
  private static let headWidth = 32

  /// Channel factors of the tokenizer's levels, as the published ones begin: a level more than the side is halved.
  private var channelMultipliers: [Int] {
    let published = VQConfiguration().channelMultipliers
    let halvings = (side / tokens.side).trailingZeroBitCount
    return (0...halvings).map { published[min($0, published.count - 1)] }
  }
}

// MARK: - Checks

extension TrainingSizes: CheckedSettings {
  /// What `side` may be.
  private static let sides = 8...1024
  /// How often a tokenizer may halve the side.
  private static let halvings = 0...7

  /// - Throws: `SettingsError` in the words of the options of `dd2 teacher train`.
  public func check() throws(SettingsError) {
    try Setting.within(Self.sides, side, "--side")
    try checkTokens()
    try Setting.within(Setting.extents, codebook, "--codebook")
    try checkTransformer()
    try configuration(classCount: 1).check()
  }

  /// - Throws: as `check()`, for a transformer over any tokenizer.
  public func checkTransformer() throws(SettingsError) {
    try Setting.within(Setting.widths, width, "--width")
    guard width % Self.headWidth == 0 else {
      let lower = width / Self.headWidth * Self.headWidth
      let near = [lower, lower + Self.headWidth].filter { $0 > 0 }.map(String.init).joined(separator: " or ")
      throw SettingsError("--width is \(width), no multiple of \(Self.headWidth); give \(near)")
    }
    try Setting.within(Setting.depths, depth, "--depth")
  }

  private func checkTokens() throws(SettingsError) {
    let fitting = Self.halvings.filter { side % (1 << $0) == 0 }.map { side >> $0 }
    let grids: [Int]
    let place: String
    switch tokens {
    case .scales(let sides):
      guard !sides.isEmpty, sides[0] > 0, zip(sides, sides.dropFirst()).allSatisfy({ $0 < $1 }) else {
        throw SettingsError("--scales is \(Self.text(sides)); give rising numbers above 0, such as 1,2,4,8")
      }
      (grids, place) = (fitting, "the last of --scales")
    case .grid:
      (grids, place) = (fitting.filter(LlamaGenConfiguration.sides.contains), "--grid")
    }
    guard grids.contains(tokens.side) else {
      throw SettingsError(
        "\(place) is \(tokens.side), and --side \(side) is not that times a power of two up to \(1 << Self.halvings.upperBound); "
          + "fitting: \(grids.reversed().map(String.init).joined(separator: ", "))")
    }
  }

  /// Sides of scales, as the option has them.
  public static func text(_ scales: [Int]) -> String { scales.map(String.init).joined(separator: ",") }
}
