import Backbone
import DD2Teacher
import TeacherModels
import TensorCore

/// Draws with a generator of Distilled Decoding 1, in one call or two. Its images decode vectors that are no codes, so
/// there are no tokens.
public struct DD1Sampler: ImageSampler {
  public let callsPerImage: Int
  private let generator: DD1Generator

  /// - Parameter calls: 1 or 2.
  public init(generator: DD1Generator, calls: Int) {
    precondition((1...2).contains(calls), "DD1Sampler: \(calls) calls")
    self.generator = generator
    callsPerImage = calls
  }

  public var classCount: Int { generator.network.classCount }

  /// About 16,000 tokens, whose logits over a published codebook take 1 GB at most.
  public var sequencesAtOnce: Int { min(100, max(1, (1 << 14) / generator.network.layout.count)) }

  public func images(labels: [Int32], seed: UInt64, indices: [Int]) throws -> Tensor {
    let layout = generator.network.layout
    let D = generator.latentDimension
    let starts = generator.starts(calls: callsPerImage)
    let slices = try stride(from: 0, to: labels.count, by: sequencesAtOnce).map { start in
      let rows = start..<min(start + sequencesAtOnce, labels.count)
      let slice_B = IndexTensor(Array(labels[rows]))
      let noise_BLD = RandomNumbers(seed: seed, purpose: "generator.noise")
        .normal([rows.count, layout.count, D], samples: RandomCounter(Array(indices[rows])))
      let sequence_BLD = try OutputCheck.step("generator") { check in
        let sequence_BLD = generator.sequence(noise_BLD: noise_BLD, labels: slice_B, starts: starts)
        check.add(sequence_BLD)
        return sequence_BLD
      }
      return try generator.decode(sequence_BLD)
    }
    return Tensor.concatenated(slices, axis: 0)
  }
}
