import Backbone
import TensorCore

/// Where the tokens of a stage stand in their sequence.
public struct StagePlace {
  /// Number of the stage.
  public let stage: Int
  /// Positions of its tokens.
  public let range: Range<Int>

  /// The positions as a tensor (l): what the program of a stage reads, so that stages of one width share it.
  func positions(from first: Int) -> IndexTensor { IndexTensor(range.map { Int32($0 - first) }) }
}

/// Numbers made for all tokens at once, (B, n) or (B, n, D), of which a stage takes its own.
public struct PlacedRows {
  /// (n, B) or (n, B, D)
  private let numbers: Tensor
  private let first: Int

  /// - Parameter first: position of the first token that has numbers.
  public init(_ numbers: Tensor, from first: Int = 0) {
    self.numbers = Self.exchanged(numbers)
    self.first = first
  }

  /// Those of a stage: (B, l) or (B, l, D).
  public func at(_ place: StagePlace) -> Tensor {
    let shape = numbers.shape
    let rows = numbers.reshaped([shape[0], shape.count / max(shape[0], 1)]).gatherRows(place.positions(from: first))
    return Self.exchanged(rows.reshaped(shape.replacing(axis: 0, with: place.range.count)))
  }

  private static func exchanged(_ x: Tensor) -> Tensor { x.permuted([1, 0] + Array(2..<x.shape.rank)) }
}

extension TokenLayout {
  /// The place of a stage.
  func place(_ stage: Int) -> StagePlace { StagePlace(stage: stage, range: stages[stage]) }

  /// The tokens (B, l) of each stage that a prefix (B, n) covers; it must end with a stage before the last.
  func stagesCovered(by prefix: IndexTensor?) -> [IndexTensor] {
    guard let prefix else { return [] }
    let covered = stages.dropLast().filter { $0.upperBound <= prefix.shape[1] }
    precondition(covered.last?.upperBound == prefix.shape[1], "prefix \(prefix.shape) ends within a stage of \(stages)")
    return covered.map(prefix.columns)
  }
}
