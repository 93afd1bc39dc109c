import Artifacts
import Datasets
import TensorCore

/// What one pass of a feature network over a set of images left.
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
public struct FeaturePass {
  private let extractor: any FeatureExtractor
  private let metrics: [Metric]
  private let outputs: FeatureOutputs
  private let keepsMoments: Bool
  private let keepsFeatures: Bool
  private let batch: Int

  /// Batches that are decoded ahead.
  private static let depth = 3

  /// A pass for some metrics.
  public init(_ extractor: any FeatureExtractor, for metrics: some Collection<Metric>, batch: Int) {
    precondition(batch > 0, "FeaturePass: batch \(batch)")
    self.extractor = extractor
    self.metrics = Array(metrics)
    outputs = metrics.outputs
    keepsMoments = metrics.contains(.fid)
    keepsFeatures = metrics.need(.features)
    self.batch = batch
  }

  /// Measures all images.
  ///
  /// Throws `DatasetError` and `ArtifactError` for images that cannot be read, `FIDError`, and what `progress` throws.
  /// - Parameter progress: called with the images done.
  public func measure(_ input: ImageInput, progress: (Int) throws -> Void) throws -> ImageSetFeatures {
    let provenance = extractor.provenance
    var pooled: StatisticsAccumulator?
    var spatial: StatisticsAccumulator?
    var features: FeatureStore?
    var logits: FeatureStore?
    var (count, bad): (Int, [ArtifactError]) = (0, [])
    let (batch, size) = (batch, input.size)
    let batches = Prefetch(depth: Self.depth) {
      let reader = try ImageReader(input)
      return { try reader.next(batch) }
    }
    while let next = try batches.next() {
      bad += next.bad
      guard next.count > 0 else { continue }
      let images = Tensor(next.pixels.map { Float($0) / 127.5 - 1 }, [next.count, size.height, size.width, 3])
      let found = withoutGradient { extractor.outputs(outputs, of: images) }
      if let x = found.pooled_BF, keepsMoments {
        try Self.add(x, to: &pooled, provenance)
      }
      if let x = found.pooled_BF, keepsFeatures {
        features = try features ?? FeatureStore(dimension: x.dims2.1)
        try features?.add(x)
      }
      if let x = found.spatial_BS { try Self.add(x, to: &spatial, provenance) }
      if let x = found.logits_BC {
        logits = try logits ?? FeatureStore(dimension: x.dims2.1)
        try logits?.add(x)
      }
      count += next.count
      try progress(count)
    }
    guard count > 0 else { throw DatasetError.noImages(path: input.path) }
    for metric in metrics { try metric.require(count, in: input.path) }
    return ImageSetFeatures(
      count: count, pooled: try pooled?.statistics(), spatial: try spatial?.statistics(), features: features,
      logits: logits, bad: bad)
  }

  private static func add(
    _ features: Tensor, to accumulator: inout StatisticsAccumulator?, _ provenance: FeatureProvenance
  ) throws {
    if accumulator == nil {
      accumulator = StatisticsAccumulator(dimension: features.dims2.1, provenance: provenance)
    }
    try accumulator?.add(features)
  }
}
