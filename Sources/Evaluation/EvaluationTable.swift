import DD2Teacher
import Datasets
import FIDEval
import Foundation
import Sampling
import TeacherModels
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
  /// Perceptual path length; nil where it was not asked for or there is no noise.
  public let pathLength: Double?

  /// A row.
  public init(
    method: String, callsPerImage: Int?, imagesPerSecond: Double?, fid: Double, pathLength: Double? = nil
  ) {
    self.method = method
    self.callsPerImage = callsPerImage
    self.imagesPerSecond = imagesPerSecond
    self.fid = fid
    self.pathLength = pathLength
  }
}

/// Measures the rows of the results table, each on the same number of images.
public struct Evaluation {
  /// Called with what is being measured, how much of it is done and how much there is; throws to stop.
  public typealias Progress = (_ method: String, _ done: Int, _ total: Int) throws -> Void

  private let scorer: FIDScorer
  private let count: Int
  private let batch: Int
  private let seed: UInt64
  private let progress: Progress

  /// An evaluation.
  public init(scorer: FIDScorer, count: Int, batch: Int = 100, seed: UInt64, progress: @escaping Progress) {
    self.scorer = scorer
    self.count = count
    self.batch = batch
    self.seed = seed
    self.progress = progress
  }

  /// A sampler's row; labels are balanced.
  /// - Parameter pathLength: what to put beside the distance.
  public func row(
    _ method: String, _ sampler: any ImageSampler, classCount: Int, pathLength: Double? = nil
  ) throws -> EvaluationRow {
    let labels = LabelStream.balanced(classCount: classCount)
    var drawing = 0.0
    let fid = try distance(method) { range in
      let begin = Date()
      let images = try sampler.images(labels: labels.labels(range), seed: seed, indices: Array(range))
      drawing += Date().timeIntervalSince(begin)
      return images
    }
    return EvaluationRow(
      method: method, callsPerImage: sampler.callsPerImage, imagesPerSecond: Double(count) / drawing, fid: fid,
      pathLength: pathLength)
  }

  /// Images that tell how long drawing and scoring one takes.
  private static let probe = 20

  /// Seconds that an image of a sampler takes, drawn and scored, from a few.
  public func secondsPerImage(_ sampler: any ImageSampler, classCount: Int) throws -> Double {
    let range = 0..<min(count, batch, Self.probe)
    let labels = LabelStream.balanced(classCount: classCount).labels(range)
    let begin = Date()
    _ = scorer.extractor.features(of: try sampler.images(labels: labels, seed: seed, indices: Array(range)))
    return Date().timeIntervalSince(begin) / Double(range.count)
  }

  /// A generator's perceptual path length, on as many images as the rows.
  public func pathLength(_ method: String, _ sampler: GeneratorSampler) throws -> Double {
    let pairs = max(1, count / 2)
    let teacher = sampler.teacher
    return try PerceptualPathLength(extractor: scorer.extractor, pairs: pairs, batch: batch, seed: seed).measure(
      latents: (teacher.layout.count, teacher.codebook.dimension), classCount: teacher.classCount,
      progress: { try progress("path length, \(method)", $0, pairs) },
      images: { try teacher.decodeInSlices(ids_BL: sampler.tokens(noise_BLD: $0, labels: $1)) })
  }

  /// The baseline whose positions do not depend on each other, from the token frequencies of the teacher's samples.
  /// - Parameters:
  ///   - samples: how many the teacher draws, of another seed than the rows'.
  ///   - guidance: shapes the teacher's distribution.
  public func independentSampler(
    _ teacher: any Teacher, guidance: Guidance, samples: Int
  ) throws -> IndependentSampler {
    let labels = LabelStream.balanced(classCount: teacher.classCount)
    var ids: [Int32] = []
    for start in stride(from: 0, to: samples, by: batch) {
      let range = start..<min(start + batch, samples)
      ids +=
        try teacher.sample(
          labels: IndexTensor(labels.labels(range)), guidance: guidance, seed: seed &+ 1, indices: Array(range)
        ).values
      try progress("samples for the independent baseline", range.upperBound, samples)
    }
    let tokens = TokenSet(
      ids: IndexArray(ids, [samples, teacher.layout.count]), labels: labels.labels(0..<samples))
    return IndependentSampler(teacher: teacher, tokens: tokens)
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
      try teacher.decode(ids_BL: teacher.encode(images_BhwC: data.batch(Array(range)).images))
    }
    return EvaluationRow(method: method, callsPerImage: nil, imagesPerSecond: nil, fid: fid)
  }

  private func distance(_ method: String, images: (Range<Int>) throws -> Tensor) throws -> Double {
    try scorer.fid(count: count, batch: batch, progress: { try progress(method, $0, count) }, images: images)
  }
}
