import TensorCore

/// The Frechet distance of two Gaussians, FID when the features are Inception's (Heusel et al. 2017):
/// `|mu_a - mu_b|^2 + tr S_a + tr S_b - 2 tr (S_a^1/2 S_b S_a^1/2)^1/2`.
///
/// The product is taken in the eigenbasis of one covariance, on the directions in which it varies at all, so it
/// stays symmetric and needs neither a matrix square root of a non-symmetric matrix nor an added epsilon:
/// covariances of fewer samples than features are exact.
///
/// Throws `FIDError` where the statistics are of different features, hold NaN or infinity, or where the eigenvalues
/// are not found.
public func frechetDistance(_ a: FeatureStatistics, _ b: FeatureStatistics) throws -> Double {
  try checkComparable(a, b)
  // The one of fewer samples is decomposed: its null directions are then left out exactly.
  let (narrow, wide) = (a.count ?? .max) <= (b.count ?? .max) ? (a, b) : (b, a)
  let shift = zip(a.mean, b.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  let overlap = try traceOfRoot(narrow.covariance, wide.covariance, n: a.dimension)
  let distance = shift + trace(a) + trace(b) - 2 * overlap
  guard distance.isFinite else { throw FIDError.nonFinite("the distance of two feature statistics") }
  return max(distance, 0)
}

/// Throws unless both statistics are of the same features.
private func checkComparable(_ a: FeatureStatistics, _ b: FeatureStatistics) throws {
  if let left = a.provenance, let right = b.provenance, left != right {
    throw FIDError.differentExtractors(left.description, right.description)
  }
  guard a.dimension == b.dimension else {
    throw FIDError.differentDimensions(a.dimension, b.dimension)
  }
}

private func trace(_ statistics: FeatureStatistics) -> Double {
  let n = statistics.dimension
  return (0..<n).reduce(0) { $0 + statistics.covariance[$1 * n + $1] }
}

/// `tr (P^1/2 Q P^1/2)^1/2` of two positive semidefinite (n, n) matrices.
private func traceOfRoot(_ p: [Double], _ q: [Double], n: Int) throws -> Double {
  let (values, vectors) = try eigen(p, n: n)
  // Eigenvalues at the level of rounding, of either sign, belong to directions without variance.
  let rounding = Double(n) * Double.ulpOfOne * (values.last ?? 0)
  let kept = values.indices.filter { values[$0] > rounding }
  // Rows sqrt(lambda_i) v_i, (r, n): their product with Q has the eigenvalues of P^1/2 Q P^1/2 that are not zero.
  let root = kept.flatMap { row in
    vectors[row * n..<(row + 1) * n].map { $0 * values[row].squareRoot() }
  }
  let r = kept.count
  guard r > 0 else { return 0 }
  let left = matmulDouble(root, q, m: r, n: n, k: n)
  let product = matmulDouble(left, root, m: r, n: r, k: n, transposeB: true)
  return try eigen(product, n: r).values.reduce(0) { $0 + max($1, 0).squareRoot() }
}

private func eigen(_ matrix: [Double], n: Int) throws -> (values: [Double], vectors: [Double]) {
  do {
    return try symmetricEigen(matrix, n: n)
  } catch {
    throw FIDError.notConverged("a \(n) x \(n) covariance of features")
  }
}
