import ArgumentParser
import TeacherModels

/// The sizes of a teacher to train.
struct TrainingSizeOptions: ParsableArguments {
  @Option(parsing: .unconditional, help: "Side of the images in pixels (default: \(usual.side)).")
  var side: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "VAR: tokens per side of each scale; --side is the last one times a power of two (default: \(usualScales)).",
      valueName: "1,2,3"))
  var scales: IntegerList?

  @Option(
    parsing: .unconditional,
    help: "LlamaGen: tokens per side; --side is that times a power of two (default: \(usualGrid)).")
  var grid: Int?

  @Option(parsing: .unconditional, help: "Number of codes (default: \(usual.codebook)).")
  var codebook: Int?

  @Option(
    parsing: .unconditional,
    help:
      "Width of the transformer, a multiple of 32 (default: \(usual.width) for a VAR, \(usualOneByOne.width) for a LlamaGen)."
  )
  var width: Int?

  @Option(
    parsing: .unconditional,
    help: "Layers of the transformer (default: \(usual.depth) for a VAR, \(usualOneByOne.depth) for a LlamaGen).")
  var depth: Int?

  private static let usual = TrainingSizes.nextScale
  private static let usualOneByOne = TrainingSizes.nextToken
  private static let usualScales = usual.scales ?? ""
  private static let usualGrid = usualOneByOne.grid.map(String.init) ?? ""

  /// The first of the options that say something of the tokenizer, where one is given.
  var tokenizerOption: String? {
    let given = [
      ("--side", side != nil), ("--scales", scales != nil), ("--grid", grid != nil), ("--codebook", codebook != nil),
    ]
    return given.first { $0.1 }?.0
  }

  /// Whether any is given.
  var isGiven: Bool { tokenizerOption != nil || width != nil || depth != nil }

  /// These sizes in place of others.
  /// - Throws: `CommandFailure` for scales of a LlamaGen or a grid of a VAR.
  func applied(to sizes: TrainingSizes) throws -> TrainingSizes {
    var sizes = sizes
    switch sizes.tokens {
    case .scales:
      guard grid == nil else { throw CommandFailure(.usage, "--grid is of a LlamaGen; give --scales for a VAR") }
      if let scales { sizes.tokens = .scales(scales.values) }
    case .grid:
      guard scales == nil else { throw CommandFailure(.usage, "--scales is of a VAR; give --grid for a LlamaGen") }
      if let grid { sizes.tokens = .grid(grid) }
    }
    sizes.side = side ?? sizes.side
    sizes.codebook = codebook ?? sizes.codebook
    sizes.width = width ?? sizes.width
    sizes.depth = depth ?? sizes.depth
    return sizes
  }

  /// - Throws: `CommandFailure` where one is not as in the run to resume.
  func requireSame(as recorded: TrainingSizes, in location: RunOptions) throws {
    _ = try applied(to: recorded)
    try location.requireSame("--side", given: side, recorded: recorded.side)
    try location.requireSame(
      "--scales", given: scales.map { TrainingSizes.text($0.values) }, recorded: recorded.scales ?? "")
    try location.requireSame("--grid", given: grid, recorded: recorded.grid ?? 0)
    try location.requireSame("--codebook", given: codebook, recorded: recorded.codebook)
    try location.requireSame("--width", given: width, recorded: recorded.width)
    try location.requireSame("--depth", given: depth, recorded: recorded.depth)
  }
}

extension TrainingSizes {
  /// The scales of a VAR, as the option has them.
  fileprivate var scales: String? {
    if case .scales(let sides) = tokens { Self.text(sides) } else { nil }
  }

  /// Tokens per side of a LlamaGen.
  fileprivate var grid: Int? {
    if case .grid(let side) = tokens { side } else { nil }
  }
}
