import TensorCore
import TestSupport
import Testing

@testable import FIDEval

@Suite struct FrechetDistanceTests {
  @Test func goldenDistances() throws {
    for (other, expected) in [("frechet_f2", "frechet_12"), ("frechet_f3", "frechet_13")] {
      let value = try frechetDistance(golden("frechet_f1"), golden(other))
      let reference = try Goldens.array("golden-math.h5", expected).doubles
      let tolerance = Tolerance(absolute: 0, relative: 1e-6)
      #expect(mismatch([value], reference, tolerance) == nil, "\(expected)")
      let swapped = try frechetDistance(golden(other), golden("frechet_f1"))
      #expect(mismatch([swapped], reference, tolerance) == nil, "\(expected), exchanged")
    }
  }

  @Test func distanceToItselfIsZero() throws {
    for name in ["frechet_f1", "frechet_f3"] {
      let statistics = try golden(name)
      #expect(try frechetDistance(statistics, statistics) < 1e-6)
    }
  }

  /// Covariances of fewer samples than features have no full rank; features of any scale.
  @Test(arguments: [(40, 1e-3), (40, 1), (40, 100), (300, 1)])
  func distanceToItselfIsZeroAtAnyRank(samples: Int, scale: Double) throws {
    var accumulator = StatisticsAccumulator(dimension: 96)
    try accumulator.add(SyntheticWeights.values("samples", [samples, 96]).map { Double($0) * scale })
    let statistics = try accumulator.statistics()
    #expect(try frechetDistance(statistics, statistics) < 1e-6 * max(1, scale * scale))
  }

  /// Commuting covariances: |mu|^2 + sum (sigma_a - sigma_b)^2.
  @Test func analyticDistanceOfDiagonalGaussians() throws {
    let a = try gaussian(mean: [0, 1, 2], variances: [1, 4, 0])
    let b = try gaussian(mean: [3, 1, 0], variances: [9, 1, 2.25])
    // Means 9 + 0 + 4, deviations (1-3)^2 + (2-1)^2 + (0-1.5)^2.
    let expected = 13 + 4 + 1 + 2.25
    #expect(mismatch([try frechetDistance(a, b)], [expected], .double) == nil)
    #expect(mismatch([try frechetDistance(b, a)], [expected], .double) == nil)
  }

  @Test func noVarianceAtAll() throws {
    let still = try gaussian(mean: [1, 2], variances: [0, 0])
    let other = try gaussian(mean: [1, 4], variances: [1, 2])
    #expect(mismatch([try frechetDistance(still, other)], [7], .double) == nil)
  }

  @Test func incomparableStatisticsAreErrors() throws {
    let ours = FeatureProvenance(extractor: "a", weightsHash: "1", preprocessing: "none")
    let a = try FeatureStatistics(count: 5, mean: [0], covariance: [1], provenance: ours)
    for theirs in [
      FeatureProvenance(extractor: "b", weightsHash: "1", preprocessing: "none"),
      FeatureProvenance(extractor: "a", weightsHash: "2", preprocessing: "none"),
      FeatureProvenance(extractor: "a", weightsHash: "1", preprocessing: "resized"),
    ] {
      let b = try FeatureStatistics(count: 5, mean: [0], covariance: [1], provenance: theirs)
      #expect(throws: FIDError.differentExtractors(ours.description, theirs.description)) {
        try frechetDistance(a, b)
      }
    }
    let wider = try gaussian(mean: [0, 0], variances: [1, 1])
    #expect(throws: FIDError.differentDimensions(1, 2)) { try frechetDistance(a, wider) }
  }

  @Test func nonFiniteStatisticsAreErrors() {
    #expect(throws: FIDError.self) { try gaussian(mean: [.nan], variances: [1]) }
    #expect(throws: FIDError.self) { try gaussian(mean: [0], variances: [.infinity]) }
    // Finite statistics whose distance is not.
    #expect(throws: FIDError.self) {
      try frechetDistance(
        gaussian(mean: [1e200], variances: [1]), gaussian(mean: [-1e200], variances: [1]))
    }
  }

  @Test func errorsAreOneLine() {
    let error = FIDError.unknownReference("imagenet", known: ["shapes32", "cifar10"])
    #expect(error.exitCode == 64)
    #expect(error.description.contains("imagenet") && error.description.contains("shapes32"))
    #expect(!error.description.contains("\n"))
  }

  private func golden(_ name: String) throws -> FeatureStatistics {
    let features = try Goldens.array("golden-math.h5", name)
    var accumulator = StatisticsAccumulator(dimension: features.shape[1])
    try accumulator.add(features.doubles)
    return try accumulator.statistics()
  }

  private func gaussian(mean: [Double], variances: [Double]) throws -> FeatureStatistics {
    let n = mean.count
    var covariance = [Double](repeating: 0, count: n * n)
    for i in 0..<n { covariance[i * n + i] = variances[i] }
    return try FeatureStatistics(count: nil, mean: mean, covariance: covariance, provenance: nil)
  }
}
