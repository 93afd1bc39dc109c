import DD2Generator
import DD2Teacher
import TensorCore

/// Draws with two calls of a generator that was trained to go on from given stages (DD1, arXiv 2412.17153, section 4.3): the
/// first call's tokens of the first half of the stages are kept, the second call draws the rest anew from the same noise.
public struct TwoStepSampler: ImageSampler {
  private let generator: OneStepGenerator
  public let teacher: any Teacher

  /// A sampler over the generator and its teacher's decoder.
  public init(generator: OneStepGenerator, teacher: any Teacher) {
    self.generator = generator
    self.teacher = teacher
  }

  public var callsPerImage: Int { 2 * generator.partCount }

  public func tokens(labels: [Int32], seed: UInt64, indices: [Int]) throws -> IndexTensor {
    try tokens(
      labels: labels, seed: seed, indices: indices,
      first: GeneratorSampler(generator: generator, teacher: teacher).tokens(
        labels: labels, seed: seed, indices: indices))
  }

  /// As above, after a first call that drew the tokens `first` (B, L).
  func tokens(labels: [Int32], seed: UInt64, indices: [Int], first: IndexTensor) throws -> IndexTensor {
    try withoutGradient {
      let (B, L) = (labels.count, teacher.layout.count)
      let kept = teacher.layout.restart
      let noise_BLD = generator.samplingNoise(seed: seed, indices: indices)
      let mask_BL = Tensor((0..<(B * L)).map { $0 % L < kept ? 1 : 0 }, [B, L])
      let second = teacher.codebook.nearest(
        try generator.draw(
          noise_BLD: noise_BLD, labels: labels, given: (mask_BL, teacher.codebook.latents(first))
        ).latents_BLD.checked(outputOf: "generator"))
      return IndexTensor(
        (0..<(B * L)).map { $0 % L < kept ? first.values[$0] : second.values[$0] }, [B, L])
    }
  }
}

extension OneStepGenerator {
  /// The noise of the samples with the given indices: (B, L, D).
  func samplingNoise(seed: UInt64, indices: [Int]) -> Tensor {
    Tensor.concatenated(
      indices.map { noise(count: 1, seed: seed, purpose: "generator.noise", firstIndex: $0) }, axis: 0)
  }
}
