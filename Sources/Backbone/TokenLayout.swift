import NN

/// A number of parts that a layout cannot be cut into; `description` is one line.
public struct PartCountError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The parts asked for.
  public let parts: Int
  /// The stages of the layout.
  public let stages: Int

  public var description: String {
    "a generator of \(parts) parts for a teacher that draws in \(stages) stages; 1 to \(stages) are possible"
  }
}

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

  /// - Throws: `SettingsError` where these cannot be the sides of VAR's scales.
  public static func check(patchSides: [Int]) throws(SettingsError) {
    guard !patchSides.isEmpty else { throw SettingsError("patchSides is empty, not a side for each scale") }
    for side in patchSides { try Setting.within(1...1024, side, "a side in patchSides") }
    try Setting.within(Setting.extents, TokenLayout(patchSides: patchSides).count, "the number of tokens of patchSides")
  }

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

  /// The positions of `count` parts, cut between stages so that each part holds about as many tokens as all before it: a
  /// network for each, run on the tokens up to its end, then costs about twice one network over all tokens at most.
  /// That holds for up to about log2 L parts; more cannot double: of 64 tokens one by one, 7 parts cost 2.0 networks
  /// over all, 16 parts 3.2 and 64 parts 32.5.
  /// - Throws: `PartCountError` unless `count` lies between 1 and the number of stages.
  public func parts(_ count: Int) throws(PartCountError) -> [Range<Int>] {
    guard count > 0, count <= stageLengths.count else {
      throw PartCountError(parts: count, stages: stageLengths.count)
    }
    let ends = stages.map(\.upperBound)
    // From the last part to the first, each begins where about half of the tokens up to its end are drawn, and leaves the
    // parts before it a stage each.
    var cuts = [ends.count - 1]
    for left in stride(from: count - 1, to: 0, by: -1) {
      let half = Double(ends[cuts[0]]) / 2
      let cut = ((left - 1)..<cuts[0]).min { abs(Double(ends[$0]) - half) < abs(Double(ends[$1]) - half) }
      cuts.insert(cut ?? 0, at: 0)
    }
    let bounds = [0] + cuts.map { ends[$0] }
    return zip(bounds, bounds.dropFirst()).map { $0..<$1 }
  }

  /// For each position, how many leading positions its query may attend to: its own stage and all before.
  public var visibleCounts: [Int] {
    stages.flatMap { stage in [Int](repeating: stage.upperBound, count: stage.count) }
  }
}
