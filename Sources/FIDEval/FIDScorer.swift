import Artifacts
import Datasets
import Foundation
import NN
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

  /// FID of `count` images, made batch by batch and scored as they would come back from 8-bit PNG files.
  /// - Parameters:
  ///   - progress: called with the number of images done; throws to stop.
  ///   - images: makes the images (B, h, w, 3) in [-1, 1] of a range of indices.
  public func fid(
    count: Int, batch: Int = 100, progress: (Int) throws -> Void = { _ in }, images: (Range<Int>) throws -> Tensor
  ) throws -> Double {
    var accumulator = StatisticsAccumulator(for: extractor)
    for start in stride(from: 0, to: count, by: batch) {
      let range = start..<min(start + batch, count)
      try accumulator.add(extractor.features(of: Self.quantized(try images(range))))
      try progress(range.upperBound)
    }
    return try frechetDistance(accumulator.statistics(), reference)
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
