import DD2Generator
import DD2Teacher
import TeacherModels
import TensorCore

/// Something that draws images of given classes. Sample i has the random numbers of (seed, i) in any batch.
public protocol ImageSampler {
  /// Number of classes.
  var classCount: Int { get }
  /// Networks that run one after the other for one image: those of a generator's parts, and the teacher's calls.
  var callsPerImage: Int { get }
  /// Sequences that its networks take at once.
  var sequencesAtOnce: Int { get }
  /// Images (B, h, w, 3) in [-1, 1], one per label, of the samples with the given indices.
  /// - Throws: `NonFiniteOutput`.
  func images(labels: [Int32], seed: UInt64, indices: [Int]) throws -> Tensor
}

/// An `ImageSampler` that draws tokens of a teacher, whose decoder makes images of them.
public protocol TokenSampler: ImageSampler {
  /// The teacher whose tokens are drawn.
  var teacher: any Teacher { get }
  /// Token ids (B, L), one row per label, of the samples with the given indices.
  /// - Throws: `NonFiniteOutput`.
  func tokens(labels: [Int32], seed: UInt64, indices: [Int]) throws -> IndexTensor
}

extension TokenSampler {
  public var classCount: Int { teacher.classCount }
  public var sequencesAtOnce: Int { teacher.sequencesAtOnce }

  public func images(labels: [Int32], seed: UInt64, indices: [Int]) throws -> Tensor {
    try teacher.decodeInSlices(ids_BL: tokens(labels: labels, seed: seed, indices: indices))
  }
}

extension ImageSampler {
  /// As `images`, no more sequences at once than the networks take.
  /// - Throws: `NonFiniteOutput`.
  public func imagesInSlices(labels: [Int32], seed: UInt64, indices: [Int]) throws -> Tensor {
    let slices = try stride(from: 0, to: labels.count, by: sequencesAtOnce).map { start in
      let rows = start..<min(start + sequencesAtOnce, labels.count)
      return try images(labels: Array(labels[rows]), seed: seed, indices: Array(indices[rows]))
    }
    return Tensor.concatenated(slices, axis: 0)
  }
}

/// Draws with the teacher, stage by stage.
public struct TeacherSampler: TokenSampler {
  public let teacher: any Teacher
  private let guidance: Guidance
  private let greedy: Bool

  /// A sampler; `greedy` takes the most likely token everywhere.
  public init(teacher: any Teacher, guidance: Guidance, greedy: Bool = false) {
    self.teacher = teacher
    self.guidance = guidance
    self.greedy = greedy
  }

  public var callsPerImage: Int { teacher.layout.stageLengths.count }

  public func tokens(labels: [Int32], seed: UInt64, indices: [Int]) throws -> IndexTensor {
    try greedy
      ? teacher.sampleGreedily(labels: IndexTensor(labels), guidance: guidance)
      : teacher.sample(labels: IndexTensor(labels), guidance: guidance, seed: seed, indices: indices)
  }
}

/// Draws with the one-step generator; the image decodes the snapped tokens.
public struct GeneratorSampler: TokenSampler {
  let generator: OneStepGenerator
  public let teacher: any Teacher

  /// A sampler over the generator and its teacher's decoder.
  public init(generator: OneStepGenerator, teacher: any Teacher) {
    self.generator = generator
    self.teacher = teacher
  }

  public var callsPerImage: Int { generator.partCount }

  /// The noise (B, L, D) of the samples with the given indices.
  public func noise(seed: UInt64, indices: [Int]) -> Tensor {
    generator.noise(samples: indices, seed: seed, purpose: "generator.noise")
  }

  public func tokens(labels: [Int32], seed: UInt64, indices: [Int]) throws -> IndexTensor {
    try tokens(noise_BLD: noise(seed: seed, indices: indices), labels: labels)
  }

  /// Token ids (B, L) of noise (B, L, D), one row per label.
  /// - Throws: `NonFiniteOutput`.
  public func tokens(noise_BLD: Tensor, labels: [Int32]) throws -> IndexTensor {
    var check = OutputCheck("generator")
    let ids = withoutGradient {
      stride(from: 0, to: labels.count, by: sequencesPerCall).map { start in
        let rows = start..<min(start + sequencesPerCall, labels.count)
        let (slice_BLD, slice_B) = (noise_BLD.sliced(axis: 0, rows), IndexTensor(Array(labels[rows])))
        return Backends.step {
          let q_BLD = generator(noise_BLD: slice_BLD, labels: slice_B)
          check.add(q_BLD)
          return teacher.codebook.nearest(q_BLD)
        }
      }
    }
    try check.verify()
    return IndexTensor.concatenated(ids, axis: 0)
  }

  /// Sequences of a network call: about 4,000 tokens, whose hidden states stay in the processor's caches, where those
  /// of a hundred images would go through memory layer by layer.
  private var sequencesPerCall: Int { max(1, 4096 / generator.layout.count) }
}

/// Draws every position independently from its class's token frequencies: what is left when the dependence between
/// tokens is thrown away. The baseline that a one-step generator has to beat.
public struct IndependentSampler: TokenSampler {
  public let teacher: any Teacher
  /// Cumulative counts per (class, position), V entries each.
  private let cumulative: [[Int32]]

  /// A sampler from the frequencies in a set of token sequences.
  public init(teacher: any Teacher, tokens: TokenSet) {
    self.teacher = teacher
    let (L, V) = (teacher.layout.count, teacher.codebook.count)
    var counts = [[Int32]](repeating: [Int32](repeating: 0, count: V), count: teacher.classCount * L)
    for (sample, label) in tokens.labels.enumerated() {
      for position in 0..<L {
        counts[Int(label) * L + position][Int(tokens.ids.values[sample * L + position])] += 1
      }
    }
    cumulative = counts.map { row in
      var sum: Int32 = 0
      return row.map { count in
        sum += count
        return sum
      }
    }
  }

  public var callsPerImage: Int { 1 }

  public func tokens(labels: [Int32], seed: UInt64, indices: [Int]) -> IndexTensor {
    let L = teacher.layout.count
    var ids: [Int32] = []
    ids.reserveCapacity(labels.count * L)
    for (label, index) in zip(labels, indices) {
      var stream = RandomStream(seed: seed, purpose: "independent.sample", index: index)
      for position in 0..<L {
        let row = cumulative[Int(label) * L + position]
        let target = Int32(stream.integer(below: max(1, Int(row.last ?? 1))))
        ids.append(Int32(row.firstIndex { $0 > target } ?? 0))
      }
    }
    return IndexTensor(ids, [labels.count, L])
  }
}
