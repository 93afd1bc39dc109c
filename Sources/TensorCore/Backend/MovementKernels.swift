/// Copies that rearrange elements.
public protocol MovementKernels {
  /// Reads `source` with `strides` over `shape` into contiguous memory.
  func gatherStrided(_ source: Storage, strides: [Int], shape: [Int], into destination: Storage)
  /// Copies `rows` rows of `width` elements between two pitched arrays.
  func copyRows(
    _ source: Storage, offset sourceOffset: Int, pitch sourcePitch: Int,
    to destination: Storage, offset: Int, pitch: Int, rows: Int, width: Int)
  /// `y[i] = table[indices[i]]`, rows of `width` elements.
  func gatherRows(_ table: Storage, indices: [Int32], width: Int, into y: Storage)
  /// `table[indices[i]] += rows[i]`, in index order, so that sums do not depend on threads.
  func scatterAddRows(_ rows: Storage, indices: [Int32], width: Int, into table: Storage, tableRows: Int)
}
