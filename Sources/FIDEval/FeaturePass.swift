import Artifacts
import Datasets
import Processes
import TensorCore

/// What one pass of a feature network over a set of images left. Statistics and features are with the job's first process
/// alone.
public struct ImageSetFeatures {
  /// Images measured.
  public let count: Int
  /// Statistics of pooled features, where a metric asked for them.
  public let pooled: FeatureStatistics?
  /// Statistics of spatial features, for sFID.
  public let spatial: FeatureStatistics?
  /// Pooled features of every image, for KID, precision and recall.
  public let features: FeatureStore?
  /// Class logits of every image, for the Inception Score.
  public let logits: FeatureStore?
  /// Files that turned out unusable when they were decoded.
  public let bad: [ArtifactError]
}

/// Runs a feature network over images, batch by batch, while a thread of its own decodes the next ones. Memory does not
/// grow with the number of images.
///
/// Each process of a job takes its batches; the first one collects the features of all in the order of the images, so that
/// nothing depends on the number of processes.
public struct FeaturePass {
  private let extractor: any FeatureExtractor
  private let metrics: [Metric]
  private let outputs: FeatureOutputs
  private let batch: Int

  /// Batches that are decoded ahead.
  private static let depth = 3

  /// A pass for some metrics.
  public init(_ extractor: any FeatureExtractor, for metrics: some Collection<Metric>, batch: Int) {
    precondition(batch > 0, "FeaturePass: batch \(batch)")
    self.extractor = extractor
    self.metrics = Array(metrics)
    outputs = metrics.outputs
    self.batch = batch
  }

  /// Measures all images.
  ///
  /// Throws `DatasetError` and `ArtifactError` for images that cannot be read, `FIDError`, and what `progress` throws.
  /// - Parameter progress: called with the images done.
  public func measure(_ input: ImageInput, progress: (Int) throws -> Void) throws -> ImageSetFeatures {
    let group = ProcessGroup.current
    let rounds = group.rounds(input.batches(of: batch))
    var collection = FeatureCollection(for: metrics, provenance: extractor.provenance, group: group)
    var (count, bad): (Int, [ArtifactError]) = (0, [])
    let batches = Prefetch(depth: Self.depth) {
      let reader = try ImageReader(input)
      var own = rounds.compactMap(\.self)[...]
      return { try own.popFirst().map(reader.read) }
    }
    for range in rounds {
      let next = try range.flatMap { _ in try batches.next() }
      bad += group.gather(next?.bad ?? []).joined()
      let found = group.gather([next?.count ?? 0]).joined().reduce(0, +)
      guard found > 0 else { continue }
      try collection.add(next.flatMap { features(of: $0, input.size) }, count: found)
      count += found
      try progress(count)
    }
    guard count > 0 else { throw DatasetError.noImages(path: input.path) }
    for metric in metrics { try metric.require(count, in: input.path) }
    return ImageSetFeatures(
      count: count, pooled: try collection.pooled?.statistics(), spatial: try collection.spatial?.statistics(),
      features: collection.features, logits: collection.logits, bad: bad)
  }

  /// - Returns: nil where a batch has no image that can be used.
  private func features(of batch: ImageReader.Batch, _ size: ImageInput.Size) -> ImageFeatures? {
    guard batch.count > 0 else { return nil }
    let images = Tensor(batch.pixels.map { Float($0) / 127.5 - 1 }, [batch.count, size.height, size.width, 3])
    return withoutGradient { extractor.outputs(outputs, of: images) }
  }
}
