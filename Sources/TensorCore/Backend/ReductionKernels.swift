/// Reductions.
public protocol ReductionKernels {
  /// Sums over the middle axis of (outer, axis, inner), to (outer, inner). Sums accumulate in Double within what one
  /// thread adds up; the threads' parts are rounded to Float before they are added in their order.
  func sum(_ x: Storage, outer: Int, axis: Int, inner: Int, into y: Storage)
  /// Index of the largest element of each row of (rows, width); the first one on ties.
  func argmax(_ x: Storage, rows: Int, width: Int) -> [Int32]
  /// Sum of squares of the first `count` elements, in Double.
  func sumOfSquares(_ x: Storage, count: Int) -> Double
  /// Whether the first `count` elements are all finite.
  func isFinite(_ x: Storage, count: Int) -> Bool
}
