import Artifacts
import DD2Generator
import DD2Teacher
import Datasets
import FIDEval
import Foundation
import TensorCore

/// Watches stage 2: cheap signs every step, picture grids and FID at intervals (design, section 2, 'How to tell').
public struct DistillationMonitor {
  private let teacher: any Teacher
  private let scorer: FIDScorer?
  private let configuration: DistillationConfiguration

  /// Images in a row of the grid; as many rows of the generator as of the teacher.
  private static let columns = 10
  private static let rows = 4

  /// A monitor.
  /// - Parameter scorer: measures FID; nil where there is nothing to measure against.
  public init(teacher: any Teacher, scorer: FIDScorer?, configuration: DistillationConfiguration) {
    self.teacher = teacher
    self.scorer = scorer
    self.configuration = configuration
  }

  /// Signs of health from one generator update.
  /// - Returns: mean |f_r - f_f|; the teacher's negative log-likelihood of the generated tokens and its own entropy on
  ///   them (nats per token; equal when the distributions are); the unigram entropy of the batch's tokens; the mean
  ///   distance of an output to its nearest code.
  static func health(
    ids_BL: IndexTensor, logP_BLV: Tensor, q_BLD: Tensor, prefix_BLD: Tensor, real: Tensor, fake: Tensor
  ) -> [(String, Double)] {
    withoutGradient {
      let tokens = Double(ids_BL.values.count)
      let likelihood = crossEntropy(logP_BLV, targets: ids_BL).mean().item
      let entropy = -(logP_BLV.exp() * logP_BLV).sum().item / Float(tokens)
      let distance = (q_BLD - prefix_BLD).square().sum(axis: -1).sqrt().mean().item
      return [
        ("score_difference", Double((real - fake).abs().mean().item)), ("teacher_nll", Double(likelihood)),
        ("teacher_entropy", Double(entropy)), ("token_entropy", unigramEntropy(ids_BL)),
        ("code_distance", Double(distance)),
      ]
    }
  }

  /// Entropy of the token frequencies of a batch, in nats.
  static func unigramEntropy(_ ids: IndexTensor) -> Double {
    var counts: [Int32: Int] = [:]
    for id in ids.values { counts[id, default: 0] += 1 }
    let total = Double(ids.values.count)
    // Sorted, so that the sum does not depend on the order of a hash table.
    return counts.values.sorted().reduce(0) { sum, count in
      let p = Double(count) / total
      return sum - p * log(p)
    }
  }

  /// Writes a grid: the generator on fixed noise above, the teacher's samples of the same classes below.
  func snapshot(_ generator: OneStepGenerator, to path: String) throws {
    let count = Self.columns * Self.rows
    let labels = (0..<count).map { Int32($0 % teacher.classCount) }
    let drawn = GeneratorSampler(generator: generator, teacher: teacher)
      .images(labels: labels, seed: configuration.seed, indices: Array(0..<count))
    let reference = TeacherSampler(teacher: teacher, guidance: configuration.guidance)
      .images(labels: labels, seed: configuration.seed, indices: Array(0..<count))
    let images = pngImages(Tensor.concatenated([drawn, reference], axis: 0))
    try PNGImage.grid(images: images, columns: Self.columns, padding: 2).scaled(by: 2).write(path)
  }

  /// FID of the generator on fixed noise.
  func score(_ generator: OneStepGenerator) throws -> [(String, Double)] {
    guard let scorer else { return [] }
    let sampler = GeneratorSampler(generator: generator, teacher: teacher)
    let labels = LabelStream.balanced(classCount: teacher.classCount)
    let fid = try scorer.fid(count: configuration.evaluationCount) { range in
      sampler.images(labels: labels.labels(range), seed: configuration.seed, indices: Array(range))
    }
    return [("fid", fid)]
  }
}

/// Images (B, h, w, 3) in [-1, 1] as 8-bit PNG images.
public func pngImages(_ images_BhwC: Tensor) -> [PNGImage] {
  let (_, h, w, _) = images_BhwC.dims4
  return pixelBytes(of: images_BhwC).map { PNGImage(width: w, height: h, pixels: $0) }
}
