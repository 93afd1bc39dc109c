/// A whole number that keys random streams, such as a training step or the numbers of samples: a tensor, since it differs
/// from step to step.
public struct RandomCounter: Sendable {
  /// (..., 2): the low and the high word of each number.
  let words: IndexTensor

  /// One number.
  public init(_ value: Int) { self.init([value], [2]) }

  /// Several numbers.
  public init(_ values: [Int]) { self.init(values, [values.count, 2]) }

  /// Several numbers in each replica: those of this process's replicas, one replica after the other.
  public init(perReplica values: [Int]) {
    words = IndexTensor(
      perReplica: Self.words(of: values), [values.count / Backends.current.replicas.here.count, 2])
  }

  private init(_ values: [Int], _ shape: Shape) { words = IndexTensor(Self.words(of: values), shape) }

  private static func words(of values: [Int]) -> [Int32] {
    values.flatMap { [Int32(truncatingIfNeeded: $0), Int32(truncatingIfNeeded: $0 >> 32)] }
  }
}

/// Random numbers of a seed and a purpose, as `RandomStream` draws them: row i of a tensor's first axis comes from the
/// stream of sample `samples[i]`, or of sample i where none are given.
public struct RandomNumbers: Sendable {
  private let key: RandomKey
  private let step: RandomCounter

  /// - Parameters:
  ///   - purpose: what the numbers are for; those of different purposes are independent.
  ///   - step: training step or another counter.
  public init(seed: UInt64, purpose: String, step: RandomCounter = RandomCounter(0)) {
    key = RandomKey(seed: seed, purpose: purpose)
    self.step = step
  }

  /// Standard normal noise.
  public func normal(_ shape: Shape, samples: RandomCounter? = nil) -> Tensor {
    Tensor(draw(.normal, shape, samples))
  }

  /// Uniform numbers in [low, high).
  public func uniform(_ shape: Shape, in range: Range<Float> = 0..<1, samples: RandomCounter? = nil) -> Tensor {
    Tensor(draw(.uniform(low: range.lowerBound, high: range.upperBound), shape, samples))
  }

  /// Uniform integers in `0..<bound`.
  public func integers(_ shape: Shape, below bound: Int, samples: RandomCounter? = nil) -> IndexTensor {
    IndexTensor(draw(.integers(below: bound), shape, samples))
  }

  private func draw(_ distribution: RandomDistribution, _ shape: Shape, _ samples: RandomCounter?) -> Storage {
    precondition(
      shape.rank >= 1 && samples.map { $0.words.shape == [shape[0], 2] } ?? true,
      "random: a shape with an axis of samples, got \(shape) for \(samples?.words.shape ?? [])")
    let operands = [step.words.storage] + (samples.map { [$0.words.storage] } ?? [])
    return run(.random(.draw(distribution, key, shape)), operands)[0]
  }
}

/// The logits that top-k and top-p leave, all others replaced by a number: top-k first, which keeps ties with its last one,
/// then top-p among what is left, in the order of VAR's `sample_with_top_k_top_p_`: of equal logits the later ones first.
/// No gradient.
/// - Parameters:
///   - logits: (..., V).
///   - topK: how many of the largest stay; 0 for all.
///   - topP: the mass at which the most likely ones end, the one that crosses it included; 1 for all.
///   - removed: what the others become.
public func keepingLikely(_ logits: Tensor, topK: Int, topP: Float, removed: Float) -> Tensor {
  Tensor(run(.choice(.keepLikely(topK: topK, topP: topP, removed: removed)), logits.storage))
}

/// One token per row: the one at which the cumulative distribution passes a number. Sums run in Double, so that the rare
/// ones among 16,384 tokens keep their probabilities.
/// - Parameters:
///   - logProbabilities: (..., V), normalised.
///   - uniform: (...), in [0, 1).
/// - Returns: (...)
public func drawTokens(_ logProbabilities: Tensor, uniform: Tensor) -> IndexTensor {
  precondition(
    Shape(Array(logProbabilities.shape.dimensions.dropLast())) == uniform.shape,
    "drawTokens: log-probabilities \(logProbabilities.shape) and numbers \(uniform.shape)")
  return IndexTensor(run(.choice(.draw), logProbabilities.storage, uniform.storage))
}
