import Artifacts
import Datasets
import FIDEval
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

  /// FID of `count` samples; labels come from the stream, sample i has index i.
  /// - Parameter progress: called with the number of images done; throws to stop.
  public func fid(
    of sampler: any ImageSampler, labels: LabelStream, count: Int, batch: Int = 100, seed: UInt64,
    progress: (Int) throws -> Void = { _ in }
  ) throws -> Double {
    var accumulator = StatisticsAccumulator(dimension: extractor.dimension, provenance: extractor.provenance)
    for start in stride(from: 0, to: count, by: batch) {
      let range = start..<min(start + batch, count)
      let images = sampler.images(labels: labels.labels(range), seed: seed, indices: Array(range))
      try accumulator.add(extractor.features(of: Self.quantized(images)))
      try progress(range.upperBound)
    }
    return try frechetDistance(accumulator.statistics(), reference)
  }

  /// Statistics of a set of images.
  public static func statistics(
    of data: any ImageSource, extractor: any FeatureExtractor, batch: Int = 100,
    progress: (Int) throws -> Void = { _ in }
  ) throws -> FeatureStatistics {
    var accumulator = StatisticsAccumulator(dimension: extractor.dimension, provenance: extractor.provenance)
    for start in stride(from: 0, to: data.count, by: batch) {
      let range = start..<min(start + batch, data.count)
      try accumulator.add(extractor.features(of: data.batch(Array(range)).images))
      try progress(range.upperBound)
    }
    return try accumulator.statistics()
  }

  /// Images as they would come back from 8-bit PNG files, so that a score in a run is the score of its files.
  static func quantized(_ images_BhwC: Tensor) -> Tensor {
    let bytes = pixelBytes(of: images_BhwC).flatMap { $0 }
    return Tensor(bytes.map { Float($0) / 127.5 - 1 }, images_BhwC.shape)
  }
}
