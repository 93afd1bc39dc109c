import Artifacts
import Foundation
import TensorCore
import TestSupport
import Testing

@testable import FIDEval

@Suite struct FeatureStatisticsTests {
  private static let width = 5
  private static let rows = 60
  /// Far from zero, so that sums of squares would lose the variance.
  private static let features: [Double] = SyntheticWeights.values("statistics", [rows, width])
    .map { 1000 + Double($0) }

  @Test func agreesWithTheTwoPassFormula() throws {
    let statistics = try accumulated(batch: 7)
    let (n, F) = (Self.rows, Self.width)
    let mean = (0..<F).map { f in (0..<n).reduce(0) { $0 + Self.features[$1 * F + f] } / Double(n) }
    let covariance = (0..<F * F).map { index in
      (0..<n).reduce(0) { sum, row in
        sum + (Self.features[row * F + index / F] - mean[index / F])
          * (Self.features[row * F + index % F] - mean[index % F])
      } / Double(n - 1)
    }
    #expect(statistics.count == n)
    #expect(mismatch(statistics.mean, mean, .double) == nil)
    #expect(mismatch(statistics.covariance, covariance, Tolerance(absolute: 1e-11, relative: 1e-10)) == nil)
  }

  @Test(arguments: [1, 2, 13, 59]) func batchSizeDoesNotMatter(batch: Int) throws {
    let whole = try accumulated(batch: Self.rows)
    let parts = try accumulated(batch: batch)
    #expect(mismatch(parts.mean, whole.mean, Tolerance(absolute: 0, relative: 1e-9)) == nil)
    let tolerance = Tolerance(absolute: 1e-11, relative: 1e-9)
    #expect(mismatch(parts.covariance, whole.covariance, tolerance) == nil)
  }

  @Test func badFeaturesAreErrors() throws {
    var accumulator = StatisticsAccumulator(dimension: 2)
    #expect(throws: FIDError.self) { try accumulator.add(Tensor([1, .nan], [1, 2])) }
    #expect(throws: FIDError.tooFewSamples(0)) { try accumulator.statistics() }
    try accumulator.add(Tensor([1, 2], [1, 2]))
    #expect(throws: FIDError.tooFewSamples(1)) { try accumulator.statistics() }
  }

  @Test func filesGiveBackWhatWasWritten() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("statistics.h5")
    let provenance = FeatureProvenance(
      extractor: "net/pool", weightsHash: "abc", preprocessing: "no resize")
    let statistics = try accumulated(batch: 10, provenance: provenance)
    try statistics.write(path)
    #expect(try FeatureStatistics.read(path) == statistics)
    let unknown = try FeatureStatistics(count: nil, mean: [1], covariance: [2], provenance: nil)
    try unknown.write(path)
    #expect(try FeatureStatistics.read(path) == unknown)
  }

  @Test func badFilesAreErrors() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("statistics.h5")
    #expect(throws: ArtifactError.missingFile(path: path)) { try FeatureStatistics.read(path) }
    try write(path, kind: "checkpoint", mean: [1, 2], sigma: HostArray(shape: [2, 2], [1.0, 0, 0, 1]))
    #expect(throws: FIDError.self) { try FeatureStatistics.read(path) }
    try write(path, mean: [1, 2], sigma: HostArray(shape: [2], [1.0, 0]))
    let misshapen = #expect(throws: FIDError.self) { try FeatureStatistics.read(path) }
    #expect(misshapen?.description.contains(path) == true)
    try write(path, mean: [1, .nan], sigma: HostArray(shape: [2, 2], [1.0, 0, 0, 1]))
    let damaged = #expect(throws: FIDError.self) { try FeatureStatistics.read(path) }
    #expect(damaged?.exitCode == 65)
  }

  private func accumulated(batch: Int, provenance: FeatureProvenance? = nil) throws -> FeatureStatistics {
    var accumulator = StatisticsAccumulator(dimension: Self.width, provenance: provenance)
    for start in stride(from: 0, to: Self.rows, by: batch) {
      let end = min(start + batch, Self.rows)
      try accumulator.add(Array(Self.features[start * Self.width..<end * Self.width]))
    }
    return try accumulator.statistics()
  }

  private func write(
    _ path: String, kind: String = "feature-statistics", mean: [Double], sigma: HostArray
  ) throws {
    let writer = try HDF5Writer(path: path)
    try writer.setAttribute("kind", .string(kind))
    try writer.write(HostArray(shape: [mean.count], mean), to: "mu")
    try writer.write(sigma, to: "sigma")
    try writer.finish()
  }
}
