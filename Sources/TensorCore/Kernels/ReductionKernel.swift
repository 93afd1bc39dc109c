/// Reductions.
public enum ReductionKernel: Hashable, Sendable {
  /// x: sums over an axis, which is kept with extent 1. They accumulate in Double within what one thread adds up; the
  /// threads' parts are rounded to Float before they are added in their order.
  case sum(axis: Int)
  /// x: index of the largest element along the last axis, which is dropped; the first one on ties.
  case argmax
  /// x: 1 where all elements are finite, else 0; a scalar.
  case allFinite
  /// Any number n of arrays: the root of the sum of all their squares, a scalar; and the sum of squares of each, (n).
  case globalNorm

  func results(of operands: [ArrayType]) -> [ArrayType] {
    let shape = operands[0].shape
    switch self {
    case .sum(let axis): return [ArrayType(shape.replacing(axis: axis, with: 1))]
    case .argmax: return [ArrayType(Shape(shape.dimensions.dropLast()), .int32)]
    case .allFinite: return [ArrayType([])]
    case .globalNorm: return [ArrayType([]), ArrayType([operands.count])]
    }
  }
}
