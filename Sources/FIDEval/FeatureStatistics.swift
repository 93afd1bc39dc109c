import TensorCore

/// Mean and covariance of the features of a set of images.
public struct FeatureStatistics: Equatable, Sendable {
  /// Number of images; nil where the file that they come from does not say.
  public let count: Int?
  /// F means.
  public let mean: [Double]
  /// (F, F), row-major, unbiased (divided by n - 1, as `numpy.cov`).
  public let covariance: [Double]
  /// Which features these are; nil where the file that they come from does not say.
  public let provenance: FeatureProvenance?

  /// Number of features F.
  public var dimension: Int { mean.count }

  /// Statistics computed elsewhere. Throws `FIDError.nonFinite`, or `.tooFewSamples` for fewer than two.
  public init(count: Int?, mean: [Double], covariance: [Double], provenance: FeatureProvenance?) throws {
    precondition(
      covariance.count == mean.count * mean.count,
      "FeatureStatistics: \(mean.count) means and \(covariance.count) covariances")
    if let count, count < 2 { throw FIDError.tooFewSamples(count) }
    guard mean.allSatisfy(\.isFinite), covariance.allSatisfy(\.isFinite) else {
      throw FIDError.nonFinite("a mean or covariance of features")
    }
    self.count = count
    self.mean = mean
    self.covariance = covariance
    self.provenance = provenance
  }
}

/// Collects feature statistics batch by batch, in Double.
///
/// Batches are merged by the update of Chan, Golub and LeVeque (1979): with n, m samples and mean distance d,
/// `S = S_a + S_b + d d^T n m / (n + m)`. Nothing is subtracted from large sums, so the result does not depend on
/// the batch size beyond rounding.
public struct StatisticsAccumulator: Sendable {
  /// Number of samples so far.
  public private(set) var count = 0
  private let dimension: Int
  private let provenance: FeatureProvenance?
  private var mean: [Double]
  /// Sum of outer products of deviations from the mean, (F, F).
  private var scatter: [Double]

  /// An empty accumulator for features of length `dimension`.
  public init(dimension: Int, provenance: FeatureProvenance? = nil) {
    self.dimension = dimension
    self.provenance = provenance
    mean = [Double](repeating: 0, count: dimension)
    scatter = [Double](repeating: 0, count: dimension * dimension)
  }

  /// An empty accumulator for the features of an extractor.
  public init(for extractor: some FeatureExtractor) {
    self.init(dimension: extractor.dimension, provenance: extractor.provenance)
  }

  /// Adds features (B, F). Throws `FIDError.nonFinite`.
  public mutating func add(_ features: Tensor) throws {
    precondition(features.dims2.1 == dimension, "StatisticsAccumulator: \(features.shape) for \(dimension)")
    try add(features.elements.map(Double.init))
  }

  /// Adds features (B, F), row-major. Throws `FIDError.nonFinite`.
  public mutating func add(_ features: [Double]) throws {
    precondition(features.count % dimension == 0, "StatisticsAccumulator: \(features.count) elements")
    guard features.allSatisfy(\.isFinite) else { throw FIDError.nonFinite("a feature of an image") }
    let rows = features.count / dimension
    guard rows > 0 else { return }
    var batchMean = [Double](repeating: 0, count: dimension)
    for row in 0..<rows {
      for f in 0..<dimension { batchMean[f] += features[row * dimension + f] }
    }
    for f in 0..<dimension { batchMean[f] /= Double(rows) }
    merge(rows: rows, mean: batchMean, scatter: Self.scatter(features, rows: rows, about: batchMean))
  }

  /// The statistics of what was added. Throws `FIDError.tooFewSamples` for fewer than two.
  public func statistics() throws -> FeatureStatistics {
    guard count >= 2 else { throw FIDError.tooFewSamples(count) }
    return try FeatureStatistics(
      count: count, mean: mean, covariance: scatter.map { $0 / Double(count - 1) }, provenance: provenance)
  }

  private static func scatter(_ features: [Double], rows: Int, about mean: [Double]) -> [Double] {
    let width = mean.count
    var deviations = features
    for row in 0..<rows {
      for f in 0..<width { deviations[row * width + f] -= mean[f] }
    }
    return matmulDouble(deviations, deviations, m: width, n: width, k: rows, transposeA: true)
  }

  private mutating func merge(rows: Int, mean batchMean: [Double], scatter batchScatter: [Double]) {
    let total = count + rows
    let weight = Double(count) * Double(rows) / Double(total)
    let distance = (0..<dimension).map { batchMean[$0] - mean[$0] }
    for i in 0..<dimension {
      let scaled = weight * distance[i]
      for j in 0..<dimension {
        scatter[i * dimension + j] += batchScatter[i * dimension + j] + scaled * distance[j]
      }
      mean[i] += distance[i] * Double(rows) / Double(total)
    }
    count = total
  }
}
