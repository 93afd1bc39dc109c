/// One matrix operand of a product: how far its rows are apart, and whether it is read transposed.
public struct MatrixOperand {
  /// The elements.
  public var storage: Storage
  /// Distance between stored rows, in elements.
  public var rowStride: Int
  /// Distance between the matrices of a batch, in elements; 0 uses the same one throughout.
  public var batchStride: Int
  /// Whether the stored matrix is read transposed.
  public var isTransposed: Bool

  /// A matrix operand.
  public init(_ storage: Storage, rowStride: Int, batchStride: Int = 0, transposed: Bool = false) {
    self.storage = storage
    self.rowStride = rowStride
    self.batchStride = batchStride
    self.isTransposed = transposed
  }
}

/// Matrix products.
public protocol MatrixKernels {
  /// `C = op(A) op(B)` with C (m, n), inner extent k, for each of `batch` matrices.
  func matmul(
    _ a: MatrixOperand, _ b: MatrixOperand, into c: MatrixOperand, m: Int, n: Int, k: Int, batch: Int)
  /// `y = x W^T + bias` with x (rows, inputs), W (outputs, inputs), bias (outputs) or none.
  func linear(
    _ x: Storage, weight: Storage, bias: Storage?, into y: Storage, rows: Int, inputs: Int, outputs: Int)
}
