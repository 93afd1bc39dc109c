import TensorCore

/// KID and how it was estimated.
public struct KernelDistance: Equatable, Sendable {
  /// Over the subsets.
  public let value: MeanAndDeviation
  public let subsets: Int
  /// Images of a subset.
  public let subsetSize: Int
}

/// Kernel distance (Binkowski et al. 2018): the unbiased estimate of the squared maximum mean discrepancy under the
/// kernel `(x . y / F + 1)^3`, on random subsets of both sets.
///
/// Subsets are drawn as torch-fidelity draws them (`metric_kid.py`), the generated images first.
/// - Parameters:
///   - generated: features (N, F).
///   - reference: features (M, F).
///   - subsetSize: images of a subset; all of the smaller set where it has fewer.
///   - seed: of the draws.
///   - progress: called with the subsets done; throws to stop.
/// - Throws: `FIDError.tooFewFor` for fewer than 2 images, `.differentDimensions`, `ArtifactError.inputOutput`.
public func kernelDistance(
  _ generated: FeatureStore, _ reference: FeatureStore, subsets: Int = 100, subsetSize: Int = 1000, seed: UInt32,
  progress: (Int) throws -> Void = { _ in }
) throws -> KernelDistance {
  guard generated.dimension == reference.dimension else {
    throw FIDError.differentDimensions(generated.dimension, reference.dimension)
  }
  let size = min(subsetSize, generated.count, reference.count)
  try Metric.kid.require(generated.count, in: "the generated images")
  try Metric.kid.require(reference.count, in: "the reference")
  var random = NumPyRandom(seed: seed)
  var values: [Double] = []
  for subset in 0..<subsets {
    let x = try generated.rows(random.permutation(generated.count).prefix(size))
    let y = try reference.rows(random.permutation(reference.count).prefix(size))
    values.append(squaredDiscrepancy(x, y, m: size, width: generated.dimension))
    try progress(subset + 1)
  }
  return KernelDistance(value: MeanAndDeviation(values), subsets: subsets, subsetSize: size)
}

/// `(sum_ij,i/=j k(x_i, x_j) + k(y_i, y_j)) / (m (m - 1)) - 2 sum_ij k(x_i, y_j) / m^2`.
private func squaredDiscrepancy(_ x: [Double], _ y: [Double], m: Int, width: Int) -> Double {
  func kernel(_ a: [Double], _ b: [Double], keepsDiagonal: Bool) -> Double {
    let products = matmulDouble(a, b, m: m, n: m, k: width, transposeB: true)
    var sum = 0.0
    for i in 0..<m {
      for j in 0..<m where keepsDiagonal || i != j {
        let base = products[i * m + j] / Double(width) + 1
        sum += base * base * base
      }
    }
    return sum
  }
  let own = kernel(x, x, keepsDiagonal: false) + kernel(y, y, keepsDiagonal: false)
  let count = Double(m)
  return own / (count * (count - 1)) - 2 * kernel(x, y, keepsDiagonal: true) / (count * count)
}
