import Artifacts
import Datasets
import FIDEval
import Foundation
import TensorCore
import TestModels
import TestSupport
import Testing

@Suite final class FeaturePassTests {
  private let folder: TemporaryFolder
  private var root: String { folder.path }
  private static let count = 23

  init() throws {
    folder = try TemporaryFolder()
    for name in ["images", "renamed"] { try folder.makeFolder(name) }
    for index in 0..<Self.count {
      let image = RGBImage(width: 4, height: 3, pixels: Self.pixels(index))
      try image.write("\(root)/images/\(String(format: "%02d", index)).png")
      // The same images in another order.
      try image.write("\(root)/renamed/\(String(format: "%02d", index * 7 % Self.count)).png")
    }
  }

  private static func pixels(_ index: Int) -> [UInt8] {
    SyntheticWeights.values("image\(index)", [36]).map { UInt8(128 + 1000 * $0.truncatingRemainder(dividingBy: 0.1)) }
  }

  private func pass(_ metrics: [Metric], batch: Int, folder: String = "images") throws -> ImageSetFeatures {
    var done: [Int] = []
    let input = try ImageInput("\(root)/\(folder)", ImageInput.Options())
    let found = try FeaturePass(ColorExtractor(), for: metrics, batch: batch).measure(input) { done.append($0) }
    #expect(done == stride(from: batch, to: Self.count, by: batch).map { $0 } + [Self.count])
    return found
  }

  @Test func aPassLeavesWhatTheMetricsNeed() throws {
    let moments = try pass([.fid], batch: 5)
    #expect(moments.count == Self.count && moments.bad.isEmpty)
    #expect(moments.pooled?.count == Self.count && moments.pooled?.provenance == ColorExtractor().provenance)
    #expect(moments.spatial == nil && moments.features == nil && moments.logits == nil)
    let others = try pass([.sfid, .inceptionScore, .kid], batch: 5)
    #expect(others.pooled == nil && others.spatial?.dimension == 6)
    #expect(others.features?.count == Self.count && others.logits?.count == Self.count)
  }

  @Test func statisticsAreThoseOfTheImages() throws {
    let found = try pass(Metric.allCases, batch: 4)
    var (pooled, spatial) = (StatisticsAccumulator(dimension: 3), StatisticsAccumulator(dimension: 6))
    var rows: [Double] = []
    for index in 0..<Self.count {
      let values = Self.pixels(index).map { Double(Float($0) / 127.5 - 1) }
      var color: [Double] = [0, 0, 0]
      for (place, value) in values.enumerated() { color[place % 3] += value / 12 }
      try pooled.add(color)
      try spatial.add(Array(values.prefix(6)))
      rows += color
    }
    let close = Tolerance(absolute: 1e-6, relative: 1e-6)
    #expect(mismatch(try #require(found.pooled).covariance, try pooled.statistics().covariance, close) == nil)
    #expect(mismatch(try #require(found.spatial).mean, try spatial.statistics().mean, close) == nil)
    #expect(mismatch(try #require(found.spatial).covariance, try spatial.statistics().covariance, close) == nil)
    for store in [found.features, found.logits] {
      #expect(mismatch(try #require(store).rows(0..<Self.count), rows, close) == nil)
    }
  }

  @Test(arguments: [1, 8, 23]) func batchesAndTheOrderOfFilesChangeNothing(batch: Int) throws {
    let reference = try pass([.fid, .sfid], batch: 5)
    for folder in ["images", "renamed"] {
      let found = try pass([.fid, .sfid], batch: batch, folder: folder)
      for (a, b) in [(found.pooled, reference.pooled), (found.spatial, reference.spatial)] {
        let (a, b) = (try #require(a), try #require(b))
        let close = Tolerance(absolute: 1e-12, relative: 1e-12)
        #expect(mismatch(a.mean, b.mean, close) == nil)
        #expect(mismatch(a.covariance, b.covariance, close) == nil)
        if folder == "images" { #expect(a == b) }
      }
    }
  }

  @Test func imagesThatAllTurnOutUnusableAreAnError() throws {
    let path = try folder.makeFolder("bad")
    try folder.write(PNGFixture.undecodable, "bad/a.png")
    let input = try ImageInput(path, ImageInput.Options(skipsBad: true))
    #expect(throws: DatasetError.noImages(path: path)) {
      try FeaturePass(ColorExtractor(), for: [Metric.fid], batch: 2).measure(input) { _ in }
    }
  }

  @Test func aPassStopsWhenToldTo() throws {
    struct Stop: Error {}
    let input = try ImageInput(root + "/images", ImageInput.Options())
    #expect(throws: Stop.self) {
      try FeaturePass(ColorExtractor(), for: [Metric.fid], batch: 2).measure(input) { _ in throw Stop() }
    }
  }
}
