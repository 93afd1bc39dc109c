import TensorCore

/// Which images each training step sees: every epoch is a new permutation of all indices, batches are cut from the
/// epochs laid end to end. A step's batch depends on (seed, step) alone, so a resumed run sees what an
/// uninterrupted one would have seen.
public struct BatchSampler: Sendable {
  /// Number of images in the set.
  public let count: Int
  /// Number of images in a batch.
  public let batchSize: Int
  /// The run's seed.
  public let seed: UInt64
  private var cached: (epoch: Int, permutation: [Int])?

  /// A sampler of batches of `batchSize` from `count` images.
  public init(count: Int, batchSize: Int, seed: UInt64) {
    precondition(count > 0 && batchSize > 0, "BatchSampler: \(count) images, batches of \(batchSize)")
    self.count = count
    self.batchSize = batchSize
    self.seed = seed
  }

  /// Image indices of a step, counted from 0; asking in order is cheap, any order gives the same.
  public mutating func indices(step: Int) -> [Int] {
    var result: [Int] = []
    result.reserveCapacity(batchSize)
    var position = step * batchSize
    while result.count < batchSize {
      let start = position % count
      let length = min(batchSize - result.count, count - start)
      result += permutation(epoch: position / count)[start..<start + length]
      position += length
    }
    return result
  }

  /// Fisher-Yates shuffle from the epoch's own stream.
  private mutating func permutation(epoch: Int) -> [Int] {
    if let cached, cached.epoch == epoch { return cached.permutation }
    var stream = RandomStream(seed: seed, purpose: "batchSampler.epoch", step: epoch)
    var permutation = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) {
      permutation.swapAt(last, stream.integer(below: last + 1))
    }
    cached = (epoch, permutation)
    return permutation
  }
}
