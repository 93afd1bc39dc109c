import DD2Teacher
import Datasets
import Foundation
import TensorCore

/// One method's row in the table of results.
public struct EvaluationRow: Codable, Equatable, Sendable {
  /// What was measured.
  public let method: String
  /// Network calls per image; nil for images that no generator drew.
  public let callsPerImage: Int?
  /// Images drawn and decoded per second, scoring not included; nil likewise.
  public let imagesPerSecond: Double?
  /// Frechet distance to the reference statistics.
  public let fid: Double

  /// A row.
  public init(method: String, callsPerImage: Int?, imagesPerSecond: Double?, fid: Double) {
    self.method = method
    self.callsPerImage = callsPerImage
    self.imagesPerSecond = imagesPerSecond
    self.fid = fid
  }
}

/// Measures the rows of the results table, each on the same number of images.
public struct Evaluation {
  private let scorer: FIDScorer
  private let count: Int
  private let batch: Int
  private let seed: UInt64
  private let progress: (String, Int) throws -> Void

  /// An evaluation.
  /// - Parameter progress: called with the method and the number of its images done; throws to stop.
  public init(
    scorer: FIDScorer, count: Int, batch: Int = 100, seed: UInt64, progress: @escaping (String, Int) throws -> Void
  ) {
    self.scorer = scorer
    self.count = count
    self.batch = batch
    self.seed = seed
    self.progress = progress
  }

  /// A sampler's row; labels are balanced.
  public func row(_ method: String, _ sampler: any ImageSampler, classCount: Int) throws -> EvaluationRow {
    let labels = LabelStream.balanced(classCount: classCount)
    var drawing = 0.0
    let fid = try distance(method) { range in
      let begin = Date()
      let images = sampler.images(labels: labels.labels(range), seed: seed, indices: Array(range))
      drawing += Date().timeIntervalSince(begin)
      return images
    }
    return EvaluationRow(
      method: method, callsPerImage: sampler.callsPerImage, imagesPerSecond: Double(count) / drawing, fid: fid)
  }

  /// The row of images that exist: held-out data.
  public func row(_ method: String, data: any ImageSource) throws -> EvaluationRow {
    let fid = try distance(method) { try data.batch(Array($0)).images }
    return EvaluationRow(method: method, callsPerImage: nil, imagesPerSecond: nil, fid: fid)
  }

  /// The row of images after encoding and decoding: what the tokenizer alone costs.
  public func row(_ method: String, reconstructing data: any ImageSource, by teacher: any Teacher) throws
    -> EvaluationRow
  {
    let fid = try distance(method) { range in
      teacher.decode(ids_BL: teacher.encode(images_BhwC: try data.batch(Array(range)).images))
    }
    return EvaluationRow(method: method, callsPerImage: nil, imagesPerSecond: nil, fid: fid)
  }

  private func distance(_ method: String, images: (Range<Int>) throws -> Tensor) throws -> Double {
    try scorer.fid(count: count, batch: batch, progress: { try progress(method, $0) }, images: images)
  }
}
