import Artifacts
import Datasets
import Foundation
import NN
import Processes
import TensorCore

/// Measures the Frechet distance of images to a fixed reference.
public struct FIDScorer {
  /// The feature network.
  public let extractor: any FeatureExtractor
  /// Statistics of the reference images.
  public let reference: FeatureStatistics

  /// A scorer; the reference must come from the same extractor, which comparing checks.
  public init(extractor: any FeatureExtractor, reference: FeatureStatistics) {
    self.extractor = extractor
    self.reference = reference
  }

  /// FID of `count` images, made batch by batch, each process of the job its batches, and scored as they would come back
  /// from 8-bit PNG files. It does not depend on the number of processes, and all get it.
  /// - Parameters:
  ///   - progress: called with the number of images done; throws to stop, in all processes at once.
  ///   - images: makes the images (B, h, w, 3) in [-1, 1] of a range of indices.
  public func fid(
    count: Int, batch: Int = 100, progress: (Int) throws -> Void = { _ in }, images: (Range<Int>) throws -> Tensor
  ) throws -> Double {
    let group = ProcessGroup.current
    var accumulator = StatisticsAccumulator(for: extractor)
    var done = 0
    for range in group.rounds(stride(from: 0, to: count, by: batch).map { $0..<min($0 + batch, count) }) {
      let own = try range.map { extractor.features(of: Self.quantized(try images($0))).elements } ?? []
      let features = group.gather(own).joined().map(Double.init)
      if group.isFirst { try accumulator.add(features) }
      done += features.count / extractor.dimension
      try progress(done)
    }
    return try group.fromFirst { try frechetDistance(accumulator.statistics(), reference) }
  }

  /// Statistics of a set of images.
  public static func statistics(
    of data: any ImageSource, extractor: any FeatureExtractor, batch: Int = 100,
    progress: (Int) throws -> Void = { _ in }
  ) throws -> FeatureStatistics {
    var accumulator = StatisticsAccumulator(for: extractor)
    for start in stride(from: 0, to: data.count, by: batch) {
      let range = start..<min(start + batch, data.count)
      try accumulator.add(extractor.features(of: data.batch(Array(range)).images))
      try progress(range.upperBound)
    }
    return try accumulator.statistics()
  }

  /// Images rounded as 8-bit files round them, so that a score in a run is the score of its files.
  static func quantized(_ images_BhwC: Tensor) -> Tensor {
    let bytes = pixelBytes(of: images_BhwC).flatMap { $0 }
    return Tensor(bytes.map { Float($0) / 127.5 - 1 }, images_BhwC.shape)
  }
}
