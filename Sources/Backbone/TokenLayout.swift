/// How the tokens of one image are ordered, and which of them are drawn together.
///
/// A stage is a group of tokens that the teacher draws in one network call: a scale for VAR, one token for LlamaGen.
/// A token may depend on all tokens of earlier stages.
public struct TokenLayout: Codable, Equatable, Sendable {
  /// Number of tokens of each stage, in order.
  public let stageLengths: [Int]

  /// A layout from the lengths of its stages.
  public init(stageLengths: [Int]) {
    precondition(
      !stageLengths.isEmpty && stageLengths.allSatisfy { $0 > 0 }, "TokenLayout: stages \(stageLengths)")
    self.stageLengths = stageLengths
  }

  /// The layout of VAR's square scales.
  public init(patchSides: [Int]) { self.init(stageLengths: patchSides.map { $0 * $0 }) }

  /// Number of tokens of an image (L).
  public var count: Int { stageLengths.reduce(0, +) }

  /// Positions of the tokens of each stage.
  public var stages: [Range<Int>] {
    var start = 0
    return stageLengths.map { length in
      defer { start += length }
      return start..<(start + length)
    }
  }

  /// Number of leading tokens that a second step keeps: the first half of the stages (DD1, arXiv 2412.17153, restarts VAR's
  /// ten scales at the sixth).
  public var restart: Int { stages[stageLengths.count / 2].lowerBound }

  /// For each position, how many leading positions its query may attend to: its own stage and all before.
  public var visibleCounts: [Int] {
    stages.flatMap { stage in [Int](repeating: stage.upperBound, count: stage.count) }
  }
}
