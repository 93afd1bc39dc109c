import DD2Teacher
import Foundation
import TensorCore

/// The path between the noises of two samples on which directions turn evenly (spherical interpolation) and lengths
/// change evenly: a straight line would pass through noise much shorter than any that the generator has seen.
public struct NoisePath {
  private let start: Tensor
  private let end: Tensor
  private let lengths: (start: Double, end: Double)
  private let angle: Double

  /// A path between two tensors of one shape, neither zero nor parallel.
  public init(from start: Tensor, to end: Tensor) {
    precondition(start.shape == end.shape, "NoisePath: from \(start.shape) to \(end.shape)")
    self.start = start
    self.end = end
    lengths = (Double(Tensor.globalNorm([start]).item), Double(Tensor.globalNorm([end]).item))
    let cosine = zip(start.elements, end.elements).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    angle = acos(min(1, max(-1, cosine / (lengths.start * lengths.end))))
    precondition(sin(angle) > 1e-6, "NoisePath: parallel ends")
  }

  /// The noise at `place`: exactly the first end at 0, exactly the second at 1.
  public func noise(at place: Double) -> Tensor {
    let length = lengths.start * (1 - place) + lengths.end * place
    let first = sin((1 - place) * angle) / sin(angle) * (length / lengths.start)
    let second = sin(place * angle) / sin(angle) * (length / lengths.end)
    return start * Tensor(Float(first)) + end * Tensor(Float(second))
  }
}

/// Draws the images along the path between two samples' noises with the generator: image 0 is the first sample, image
/// `count - 1` the second, of whatever class is asked for.
public struct InterpolationSampler: TokenSampler {
  private let generator: GeneratorSampler
  private let ends: (first: Int, second: Int)
  private let count: Int

  /// A sampler of `count` images, 2 or more, between two different samples.
  public init(generator: GeneratorSampler, from first: Int, to second: Int, count: Int) {
    precondition(first != second && count >= 2, "InterpolationSampler: \(count) images from \(first) to \(second)")
    self.generator = generator
    ends = (first, second)
    self.count = count
  }

  public var teacher: any Teacher { generator.teacher }
  public var callsPerImage: Int { generator.callsPerImage }

  public func tokens(labels: [Int32], seed: UInt64, indices: [Int]) throws -> IndexTensor {
    let path = NoisePath(
      from: generator.noise(seed: seed, indices: [ends.first]), to: generator.noise(seed: seed, indices: [ends.second]))
    let noise_BLD = Tensor.concatenated(indices.map { path.noise(at: Double($0) / Double(count - 1)) }, axis: 0)
    return try generator.tokens(noise_BLD: noise_BLD, labels: labels)
  }
}
