import CShims

// Dense matrices in Double, row-major, for statistics: on BLAS's own threads, so not from inside a kernel.

/// `C = op(A) op(B)` in Double, row-major.
/// - Parameters:
///   - a: (m, k), or (k, m) where `transposeA`.
///   - b: (k, n), or (n, k) where `transposeB`.
public func matmulDouble(
  _ a: [Double], _ b: [Double], m: Int, n: Int, k: Int, transposeA: Bool = false, transposeB: Bool = false
) -> [Double] {
  precondition(
    a.count == m * k && b.count == k * n, "matmulDouble: \(a.count) and \(b.count) elements for \(m)x\(k)x\(n)")
  return [Double](unsafeUninitializedCapacity: m * n) { c, count in
    count = m * n
    guard let c = c.baseAddress else { return }
    c.initialize(repeating: 0, count: count)
    BLAS.shared.threaded { dd2_dgemm(transposeA ? 1 : 0, transposeB ? 1 : 0, m, n, k, a, b, c) }
  }
}

/// Adds `A^T A` to the upper triangle of a symmetric matrix; what lies below is left as it is.
/// - Parameters:
///   - a: (rows, width).
///   - c: (width, width).
public func addGram(_ a: [Double], rows: Int, width: Int, to c: inout [Double]) {
  precondition(
    a.count == rows * width && c.count == width * width, "addGram: \(a.count) and \(c.count) for \(rows)x\(width)")
  BLAS.shared.threaded { dd2_dsyrk(width, rows, a, &c) }
}

/// A factor F (r, n) of a symmetric positive semidefinite (n, n) matrix A, `A = F^T F`, by Cholesky's method with
/// complete pivoting (LAPACK `dpstrf`). It ends where what remains of the diagonal is rounding, at most
/// n ulp max A_ii: r is the rank.
public func factorOfSemidefinite(_ matrix: [Double], n: Int) -> (elements: [Double], rank: Int) {
  precondition(matrix.count == n * n, "factorOfSemidefinite: \(matrix.count) elements for order \(n)")
  guard n > 0 else { return ([], 0) }
  var upper = matrix
  var pivots = [Int32](repeating: 0, count: n)
  var rank: Int32 = 0
  let status = BLAS.shared.threaded { dd2_pivoted_cholesky(&upper, &pivots, &rank, Int32(n)) }
  if status == Int32(DD2_BLAS_NO_MEMORY) { MemoryShortage.end(lacking: 2 * n * 8, for: "a factorisation") }
  precondition(status >= 0, "factorOfSemidefinite: dpstrf returns \(status)")
  var factor = [Double](repeating: 0, count: Int(rank) * n)
  for row in 0..<Int(rank) {
    for column in row..<n { factor[row * n + Int(pivots[column]) - 1] = upper[row * n + column] }
  }
  return (factor, Int(rank))
}

/// The min(m, n) singular values of an (m, n) matrix, descending (LAPACK `dgesvd`).
/// - Throws: `BackendUnavailable` where LAPACK reports no convergence.
public func singularValues(_ matrix: [Double], m: Int, n: Int) throws -> [Double] {
  precondition(matrix.count == m * n, "singularValues: \(matrix.count) elements for \(m)x\(n)")
  guard m > 0, n > 0 else { return [] }
  var work = matrix
  var values = [Double](repeating: 0, count: min(m, n))
  let status = BLAS.shared.threaded { dd2_singular_values(&work, &values, Int32(m), Int32(n)) }
  if status == Int32(DD2_BLAS_NO_MEMORY) { MemoryShortage.end(lacking: 4 * (m + n) * 8, for: "singular values") }
  guard status == 0 else {
    throw BackendUnavailable(description: "the singular values of a \(m)x\(n) matrix did not converge")
  }
  return values
}
