import Artifacts
import Foundation
import TensorCore
import TestSupport
import Testing

@testable import FIDEval

/// Expected numbers: torch-fidelity 0.4.0 and NumPy 2.4 on the same features in float64.
@Suite struct MetricTests {

  private func store(_ values: [Float], _ width: Int, batch: Int = 7) throws -> FeatureStore {
    let store = try FeatureStore(dimension: width)
    let rows = values.count / width
    for start in stride(from: 0, to: rows, by: batch) {
      let end = min(start + batch, rows)
      try store.add(Tensor(Array(values[start * width..<end * width]), [end - start, width]))
    }
    return store
  }

  private func generated(factor: Float = 1) throws -> FeatureStore {
    try store(SyntheticWeights.values("generated", [60, 8]).map { $0 * factor }, 8)
  }

  /// 1.2 x + 0.1, rounded in Float as NumPy does.
  private func reference() throws -> FeatureStore {
    try store(
      SyntheticWeights.values("reference", [50, 8]).map { Float(1.2 as Float * $0) + (0.1 as Float) }, 8)
  }

  @Test func permutationsOfNumPy() {
    var random = NumPyRandom(seed: 2020)
    #expect(random.permutation(12) == [2, 1, 11, 4, 10, 5, 7, 9, 6, 3, 8, 0])
    random = NumPyRandom(seed: 7)
    #expect(random.permutation(1000).prefix(5) == [778, 334, 271, 802, 216])
    // The fourth one needs the generator's second block of numbers.
    random = NumPyRandom(seed: 2020)
    for _ in 0..<3 { _ = random.permutation(1000) }
    #expect(random.permutation(1000).prefix(5) == [15, 8, 678, 462, 820])
  }

  @Test func kernelDistanceOfTorchFidelity() throws {
    let found = try kernelDistance(generated(), reference(), subsets: 7, subsetSize: 40, seed: 2020)
    let expected = [0.059083109419628244, 0.009409661316301067]
    #expect(mismatch([found.value.mean, found.value.deviation], expected, Self.exactEnough) == nil)
    #expect(found.subsets == 7 && found.subsetSize == 40)
    // All of the smaller set where there are fewer images.
    #expect(try kernelDistance(generated(), reference(), subsets: 2, seed: 1).subsetSize == 50)
  }

  /// The sums run in another order.
  private static let exactEnough = Tolerance(absolute: 0, relative: 1e-11)

  @Test func inceptionScoreOfTorchFidelity() throws {
    let found = try inceptionScore(generated(factor: 5), seed: 2020)
    let expected = [1.7918799664953144, 0.11789723044918661]
    #expect(mismatch([found.mean, found.deviation], expected, Self.exactEnough) == nil)
  }

  /// Certain and even predictions of all classes reach the number of classes.
  @Test func inceptionScoreOfCertainClasses() throws {
    var logits = [Float](repeating: 0, count: 40 * 4)
    for image in 0..<40 { logits[image * 4 + image % 4] = 2000 }
    let found = try inceptionScore(store(logits, 4), splits: 1, seed: 0)
    #expect(mismatch([found.mean, found.deviation], [4, 0], Self.exactEnough) == nil)
  }

  @Test(arguments: [1, 7, 50, 2048]) func precisionRecallOfTorchFidelity(tile: Int) throws {
    let found = try precisionRecall(generated(), reference(), tile: tile)
    #expect(found == PrecisionRecall(precision: 58.0 / 60, recall: 0.54, neighbours: 3))
  }

  @Test func precisionAndRecallOfSeparateAndEqualSets() throws {
    let near = try store((0..<10).map { Float($0) }, 1)
    let far = try store((0..<10).map { Float($0) + 100 }, 1)
    #expect(try precisionRecall(near, far) == PrecisionRecall(precision: 0, recall: 0, neighbours: 3))
    #expect(try precisionRecall(near, near) == PrecisionRecall(precision: 1, recall: 1, neighbours: 3))
  }

  /// On a line at 0, 1, 3, 7, 15 the second nearest is 3, 2, 3, 6, 12 away.
  @Test func radiusReachesTheKthNeighbour() throws {
    let line = try store([0, 1, 3, 7, 15], 1)
    for (place, isInside) in [(-3, true), (-3.1, false), (26.9, true), (27.1, false)] as [(Float, Bool)] {
      let probe = try store([place, 1e6, 2e6, 3e6], 1)
      #expect(try precisionRecall(probe, line, neighbours: 2).precision == (isInside ? 0.25 : 0), "\(place)")
    }
  }

  /// Pairs far apart, 1 between the two: the probe 0.9 outside of a sample lies in that sample's ball and in no other.
  @Test(arguments: [1, 5, 12]) func noSampleIsItsOwnNeighbour(tile: Int) throws {
    let line = try store((0..<12).map { Float($0 / 2 * 100 + $0 % 2) }, 1)
    let probes = try store((0..<12).map { Float($0 / 2 * 100) + ($0 % 2 == 0 ? -0.9 : 1.9) }, 1)
    #expect(try precisionRecall(probes, line, neighbours: 1, tile: tile).precision == 1)
    // The other way round: radii of the probes are 2.8, and every sample lies within.
    #expect(try precisionRecall(line, probes, neighbours: 1, tile: tile).precision == 1)
    let outside = try store((0..<12).map { Float($0 / 2 * 100) + ($0 % 2 == 0 ? -1.1 : 2.1) }, 1)
    #expect(try precisionRecall(outside, line, neighbours: 1, tile: tile).precision == 0)
  }

  @Test func storeGivesBackRows() throws {
    let values = SyntheticWeights.values("rows", [23, 3])
    let store = try store(values, 3, batch: 5)
    #expect(store.count == 23)
    #expect(try store.rows(4..<11) == values[12..<33].map(Double.init))
    #expect(try store.rows([22, 0, 22]) == [66, 67, 68, 0, 1, 2, 66, 67, 68].map { Double(values[$0]) })
    #expect(throws: FIDError.self) { try store.add(Tensor([0, .infinity, 0], [1, 3])) }
  }

  @Test func tooFewImagesAreErrors() throws {
    let (one, three, eight) = (
      try store([1], 1), try store([1, 2, 3], 1), try store([Float](repeating: 0, count: 8), 1)
    )
    let (generated, reference) = ("the generated images", "the reference")
    for (a, b, place) in [(one, three, generated), (three, one, reference)] {
      #expect(throws: FIDError.tooFewFor("KID", needed: 2, found: 1, place: place)) {
        try kernelDistance(a, b, seed: 0)
      }
    }
    for (a, b, place) in [(three, eight, generated), (eight, three, reference)] {
      #expect(throws: FIDError.tooFewFor("precision and recall", needed: 4, found: 3, place: place)) {
        try precisionRecall(a, b)
      }
    }
    let error = #expect(throws: FIDError.self) { try inceptionScore(eight, seed: 0) }
    #expect(error?.exitCode == 65 && error?.description.contains("10") == true)
    let wide = try store([0, 0, 0, 0, 0, 0, 0, 0], 2)
    #expect(throws: FIDError.differentDimensions(1, 2)) { try kernelDistance(eight, wide, seed: 0) }
    #expect(throws: FIDError.differentDimensions(1, 2)) { try precisionRecall(eight, wide) }
  }

  @Test func metricsSayWhatTheyNeed() {
    #expect([Metric.fid, .kid].outputs == .pooled)
    #expect(Metric.allCases.outputs == [.pooled, .spatial, .logits])
    #expect([Metric.fid].need(.moments) && ![Metric.fid].need(.features))
    #expect([Metric.inceptionScore].need(.none) && [Metric.precisionRecall].need(.features))
  }
}
