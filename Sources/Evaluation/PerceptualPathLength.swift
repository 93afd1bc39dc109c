import DD2Teacher
import FIDEval
import Foundation
import Sampling
import TensorCore

/// How far images move in feature space while the noise moves a little: `E d(G(z_t), G(z_{t + epsilon})) / epsilon^2`,
/// d the squared distance of features, z_t the noise at a uniform place t of the path between two random noises, both
/// under one class (Karras et al. 2019, section 4.1). Small values say that neighbouring noise makes similar images.
public struct PerceptualPathLength {
  /// Step along the path, whose ends are a right angle apart.
  public static let epsilon = 1e-1

  private let extractor: any FeatureExtractor
  private let pairs: Int
  private let batch: Int
  private let seed: UInt64
  private let epsilon: Double

  /// A measurement on `pairs` pairs of noise, `batch` images at a time; pair i depends on (seed, i) alone and is of class
  /// i modulo the number of classes.
  public init(
    extractor: any FeatureExtractor, pairs: Int, batch: Int = 100, seed: UInt64, epsilon: Double = Self.epsilon
  ) {
    precondition(pairs > 0 && batch > 0 && epsilon > 0, "PerceptualPathLength: \(pairs) pairs, epsilon \(epsilon)")
    self.extractor = extractor
    self.pairs = pairs
    self.batch = batch
    self.seed = seed
    self.epsilon = epsilon
  }

  /// Measures a generator.
  /// - Parameters:
  ///   - latents: tokens and latent dimension (L, D) of the noise.
  ///   - classCount: number of classes.
  ///   - progress: called with the number of pairs done; throws to stop.
  ///   - images: makes images (B, h, w, 3) of noise (B, L, D) and B labels.
  /// - Throws: what `progress` and `images` throw.
  public func measure(
    latents: (count: Int, dimension: Int), classCount: Int, progress: (Int) throws -> Void = { _ in },
    images: (_ noise_BLD: Tensor, _ labels: [Int32]) throws -> Tensor
  ) throws -> Double {
    var total = 0.0
    for start in stride(from: 0, to: pairs, by: max(1, batch / 2)) {
      let indices = start..<min(start + max(1, batch / 2), pairs)
      let steps = indices.map { step(pair: $0, latents) }
      let labels = indices.map { Int32($0 % classCount) }
      let noise_BLD = Tensor.concatenated(steps.map(\.from) + steps.map(\.to), axis: 0)
      let features_BF = extractor.features(of: try images(noise_BLD, labels + labels))
      let n = indices.count
      let moved_BF = features_BF.sliced(axis: 0, n..<(2 * n)) - features_BF.sliced(axis: 0, 0..<n)
      total += moved_BF.square().sum(axis: 1).elements.reduce(0) { $0 + Double($1) }
      try progress(indices.upperBound)
    }
    return total / Double(pairs) / (epsilon * epsilon)
  }

  /// Two noises (1, L, D), `epsilon` apart on the path of a pair.
  private func step(pair: Int, _ latents: (count: Int, dimension: Int)) -> (from: Tensor, to: Tensor) {
    func noise(_ end: Int) -> Tensor {
      RandomNumbers(seed: seed, purpose: "path_length.noise", step: RandomCounter(end))
        .normal([1, latents.count, latents.dimension], samples: RandomCounter([pair]))
    }
    var stream = RandomStream(seed: seed, purpose: "path_length.place", index: pair)
    let (path, place) = (NoisePath(from: noise(0), to: noise(1)), Double(stream.uniform()))
    return (path.noise(at: place), path.noise(at: place + epsilon))
  }
}
