import TensorCore

/// Batches of images in a given order, read by threads of their own while the network computes. What they hold does not
/// depend on who reads them.
///
/// Used from one thread.
public final class ImageBatches {
  private let source: any ImageSource
  private let indices: (Int) -> [Int]?
  /// Each makes every `readers.count`-th batch, so that they are taken in turn; as bytes, a fourth of the numbers.
  private let readers: [Prefetch<[UInt8]>]
  private var position = 0

  /// Threads that read: each holds two batches.
  private static var readerCount: Int { min(ThreadPool.shared.threadCount, 4) }

  /// - Parameter indices: gives the function that says, for one thread, which images the batch of a number has, counted
  ///   from 0; nil after the last.
  init(_ source: any ImageSource, _ indices: @escaping @Sendable () -> (Int) -> [Int]?) {
    let count = Self.readerCount
    self.source = source
    self.indices = indices()
    readers = (0..<count).map { first in
      Prefetch(depth: 1) {
        let indices = indices()
        var number = first
        return {
          defer { number += count }
          return try indices(number).map { try source.bytes(of: $0) }
        }
      }
    }
  }

  /// The next batch, nil after the last. Throws what `ImageSource.pixels(at:)` throws.
  public func next() throws -> LabelledImages? {
    guard let bytes = try readers[position % readers.count].next(), let indices = indices(position) else { return nil }
    position += 1
    return source.batch(bytes, of: indices)
  }
}

extension ImageSource {
  /// Batches of the images of the given indices, which are read ahead.
  public func batches(of indices: [[Int]]) -> ImageBatches {
    ImageBatches(self) { { $0 < indices.count ? indices[$0] : nil } }
  }

  /// The pixels of some images, one after the other.
  fileprivate func bytes(of indices: [Int]) throws -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(indices.count * height * width * 3)
    for index in indices { bytes += try pixels(at: index) }
    return bytes
  }
}

/// The batches of a training's steps, which are read ahead as long as the steps follow each other.
public final class TrainingBatches {
  private let source: any ImageSource
  private let sampler: BatchSampler
  private let rows: [Int]
  private let stepCount: Int
  private var ahead: (step: Int, batches: ImageBatches)?

  /// - Parameters:
  ///   - rows: which images of a batch are wanted, in their order; nil for all.
  ///   - stepCount: of the training; nothing is read beyond.
  public init(_ source: any ImageSource, batch: Int, rows: [Int]? = nil, stepCount: Int, seed: UInt64) {
    self.source = source
    self.rows = rows ?? Array(0..<batch)
    self.stepCount = stepCount
    sampler = BatchSampler(count: source.count, batchSize: batch, seed: seed)
  }

  /// The images of a step that are wanted. Throws what `ImageSource.pixels(at:)` throws.
  public func batch(step: Int) throws -> LabelledImages {
    precondition((0..<stepCount).contains(step), "TrainingBatches: step \(step) of \(stepCount)")
    let batches = ahead.flatMap { $0.step == step ? $0.batches : nil } ?? open(at: step)
    // Whatever fails is read anew.
    ahead = nil
    guard let batch = try batches.next() else { preconditionFailure("TrainingBatches: no step \(step)") }
    ahead = (step + 1, batches)
    return batch
  }

  private func open(at first: Int) -> ImageBatches {
    ImageBatches(source) { [sampler, rows, stepCount] in
      var sampler = sampler
      return { number in
        guard first + number < stepCount else { return nil }
        let indices = sampler.indices(step: first + number)
        return rows.map { indices[$0] }
      }
    }
  }
}
