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
/// Samples are gathered into blocks of a fixed size, so that the size of the batches changes nothing at all, and blocks
/// are merged by the update of Chan, Golub and LeVeque (1979): with n, m samples and mean distance d,
/// `S = S_a + S_b + d d^T n m / (n + m)`. Nothing is subtracted from large sums.
public struct StatisticsAccumulator: Sendable {
  /// Number of samples so far.
  public var count: Int { merged + pending.count / dimension }
  private let dimension: Int
  private let provenance: FeatureProvenance?
  /// Samples behind `mean` and `scatter`.
  private var merged = 0
  private var mean: [Double]
  /// Sum of outer products of deviations from the mean, (F, F), upper triangle.
  private var scatter: [Double]
  /// Samples (m, F) that wait for a block to be full.
  private var pending: [Double] = []

  private static let blockRows = 512

  /// An empty accumulator for features of length `dimension`.
  public init(dimension: Int, provenance: FeatureProvenance? = nil) {
    precondition(dimension > 0, "StatisticsAccumulator: \(dimension) features")
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
    var rest = features[...]
    while !rest.isEmpty {
      let room = Self.blockRows * dimension - pending.count
      pending += rest.prefix(room)
      rest = rest.dropFirst(room)
      if pending.count == Self.blockRows * dimension { merge() }
    }
  }

  /// The statistics of what was added. Throws `FIDError.tooFewSamples` for fewer than two.
  public func statistics() throws -> FeatureStatistics {
    guard count >= 2 else { throw FIDError.tooFewSamples(count) }
    var whole = self
    whole.merge()
    return try FeatureStatistics(
      count: count, mean: whole.mean, covariance: whole.covariance(), provenance: provenance)
  }

  /// Takes the pending samples in.
  private mutating func merge() {
    let (F, rows) = (dimension, pending.count / dimension)
    guard rows > 0 else { return }
    var block = pending
    var blockMean = [Double](repeating: 0, count: F)
    for row in 0..<rows {
      for f in 0..<F { blockMean[f] += block[row * F + f] }
    }
    for f in 0..<F { blockMean[f] /= Double(rows) }
    for row in 0..<rows {
      for f in 0..<F { block[row * F + f] -= blockMean[f] }
    }
    let total = merged + rows
    // The distance of the means is one more deviation, so weighted that its square is the update's last term.
    let weight = (Double(merged) * Double(rows) / Double(total)).squareRoot()
    block += (0..<F).map { weight * (blockMean[$0] - mean[$0]) }
    addGram(block, rows: rows + 1, width: F, to: &scatter)
    for f in 0..<F { mean[f] += (blockMean[f] - mean[f]) * Double(rows) / Double(total) }
    merged = total
    pending.removeAll(keepingCapacity: true)
  }

  /// Both triangles, divided by n - 1.
  private func covariance() -> [Double] {
    let F = dimension
    var result = scatter
    for i in 0..<F {
      for j in i..<F {
        let value = scatter[i * F + j] / Double(merged - 1)
        result[i * F + j] = value
        result[j * F + i] = value
      }
    }
    return result
  }
}
