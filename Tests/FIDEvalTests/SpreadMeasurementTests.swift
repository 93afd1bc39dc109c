import Artifacts
import Datasets
import Foundation
import Processes
import TensorCore
import TestModels
import TestSupport
import Testing

@testable import FIDEval

/// Images are measured by all processes of a job, and the numbers are those of one.
@Suite("Measuring by several processes") final class SpreadMeasurementTests {
  private let folder: TemporaryFolder
  private static let count = 23

  init() throws {
    folder = try TemporaryFolder()
    for (name, offset) in [("images", 0), ("reference", 100)] {
      try folder.makeFolder(name)
      for index in 0..<Self.count {
        let pixels = SyntheticWeights.values("image\(index + offset)", [60])
          .map { UInt8(128 + 1000 * $0.truncatingRemainder(dividingBy: 0.1)) }
        let path = "\(folder.path)/\(name)/\(String(format: "%02d", index)).png"
        try RGBImage(width: 5, height: 4, pixels: pixels).write(path)
      }
    }
    // All of one process's first batch, and one of another's.
    for index in [2, 3, 9] { try folder.write(PNGFixture.undecodable, "images/0\(index).png") }
  }

  /// A network that counts the images it has seen.
  private final class CountingExtractor: FeatureExtractor, @unchecked Sendable {
    private let colors = ColorExtractor()
    private(set) var seen = 0
    var name: String { colors.name }
    var weightsHash: String { colors.weightsHash }
    var preprocessing: String { colors.preprocessing }
    var dimension: Int { colors.dimension }
    var isComparableWithInception: Bool { false }
    var available: FeatureOutputs { colors.available }

    func features(of images: Tensor) -> Tensor {
      seen += images.shape[0]
      return colors.features(of: images)
    }

    func outputs(_ wanted: FeatureOutputs, of images: Tensor) -> ImageFeatures {
      seen += images.shape[0]
      return colors.outputs(wanted, of: images)
    }
  }

  private struct Found: Sendable {
    var statistics: [FeatureStatistics?]
    var rows: [[Double]?]
    var (count, seen): (Int, Int)
    var bad: [ArtifactError]
    var done: [Int]
  }

  @Test func onePassIsThatOfOneProcess() throws {
    let root = folder.path
    @Sendable func pass() throws -> Found {
      let extractor = CountingExtractor()
      let input = try ImageInput(root + "/images", ImageInput.Options(skipsBad: true))
      var done: [Int] = []
      let found = try FeaturePass(extractor, for: Metric.allCases, batch: 2).measure(input) { done.append($0) }
      return Found(
        statistics: [found.pooled, found.spatial],
        rows: try [found.features, found.logits].map { try $0.map { try $0.rows(0..<$0.count) } },
        count: found.count, seen: extractor.seen, bad: found.bad, done: done)
    }
    let alone = try pass()
    #expect(alone.count == 20 && alone.seen == 20 && alone.bad.count == 3 && alone.rows[0]?.count == 60)
    let job = try inJob(of: 3) { _ in try pass() }
    #expect(job[0].statistics == alone.statistics && job[0].rows == alone.rows)
    #expect(job.map(\.seen) == [8, 5, 7])
    for (rank, found) in job.enumerated() {
      #expect(found.count == 20 && found.bad == alone.bad && found.done == [4, 9, 15, 20])
      if rank > 0 { #expect(found.statistics == [nil, nil] && found.rows == [nil, nil]) }
    }
  }

  @Test func reportsAreThoseOfOneProcess() throws {
    let root = folder.path
    setenv("XDG_CACHE_HOME", root + "/cache", 1)
    defer { unsetenv("XDG_CACHE_HOME") }
    @Sendable func report(_ metrics: [Metric], usesCache: Bool) throws -> FIDReport {
      let choice = FeatureExtractorChoice(
        extractor: ColorExtractor(), weightsPath: "", batch: 4, protocolName: "none")
      let measurement = ImageMeasurement(choice, ImageInput.Options(skipsBad: true), observer: SilentObserver())
      var report = try FIDScoring(measurement, metrics: metrics, seed: 1, usesCache: usesCache)
        .score(images: root + "/images", reference: FIDReference(root + "/reference", path: root + "/reference"))
      report.imagesDetails.imagesPerSecond = nil
      report.referenceDetails?.imagesPerSecond = nil
      return report
    }
    func text(_ report: FIDReport) throws -> String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      return String(decoding: try encoder.encode(report), as: UTF8.self)
    }
    let alone = try report(Metric.allCases, usesCache: false)
    let job = try inJob(of: 3) { _ in try report(Metric.allCases, usesCache: false) }
    #expect(try text(job[0]) == text(alone) && alone.kid != nil && alone.recall != nil && alone.inceptionScore != nil)
    // The second time the first process has kept the reference's statistics, which the others do not look for.
    for isKept in [nil, true] {
      let fid = try inJob(of: 2) { _ in try report([.fid], usesCache: true) }[0]
      #expect(fid.fid == alone.fid && fid.referenceDetails?.cached == isKept)
    }
  }

  @Test func allGetTheScoreOfOneProcess() throws {
    @Sendable func fid() throws -> (fid: Double, made: [Range<Int>], done: [Int]) {
      let extractor = ColorExtractor()
      let reference = try FIDScorer.statistics(of: FewImages(), extractor: extractor)
      var (made, done): ([Range<Int>], [Int]) = ([], [])
      let score = try FIDScorer(extractor: extractor, reference: reference).fid(
        count: 50, batch: 8, progress: { done.append($0) }
      ) { range in
        made.append(range)
        return Tensor.uniform(
          [range.count, 2, 2, 3], low: -1, high: 1, seed: UInt64(range.lowerBound), purpose: "images")
      }
      return (score, made, done)
    }
    let alone = try fid()
    let job = try inJob(of: 3) { _ in try fid() }
    #expect(job.map(\.fid) == [alone.fid, alone.fid, alone.fid])
    #expect(job.map(\.made) == [[0..<8, 24..<32, 48..<50], [8..<16, 32..<40], [16..<24, 40..<48]])
    #expect(job.allSatisfy { $0.done == [24, 48, 50] })
  }
}

private final class SilentObserver: MeasurementObserver {
  func checking<Images>(_ title: String, _ check: ((Int, Int) throws -> Void) throws -> Images) throws -> Images {
    try check { _, _ in }
  }
  func checked(_ images: ImageInput) {}
  func begin(_ title: String, total: Int, unit: String) {}
  func advance(_ done: Int) {}
  func end() {}
  func note(_ text: String) {}
  func warn(_ text: String) {}
  func writing(_ body: () throws -> Void) throws { try body() }
}
