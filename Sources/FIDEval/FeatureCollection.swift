import Processes
import TensorCore

/// What metrics need of the features of images. The processes of a job measure batches that follow one another; the first
/// one collects what all have found, in the order of the images.
struct FeatureCollection {
  private(set) var pooled: StatisticsAccumulator?
  private(set) var spatial: StatisticsAccumulator?
  private(set) var features: FeatureStore?
  private(set) var logits: FeatureStore?
  private let group: ProcessGroup
  private let provenance: FeatureProvenance
  private let outputs: FeatureOutputs
  private let keepsMoments: Bool
  private let keepsFeatures: Bool

  init(for metrics: [Metric], provenance: FeatureProvenance, group: ProcessGroup) {
    self.group = group
    self.provenance = provenance
    outputs = metrics.outputs
    keepsMoments = metrics.contains(.fid)
    keepsFeatures = metrics.need(.features)
  }

  /// Adds a round's features, in all processes.
  /// - Parameters:
  ///   - own: of this process's batch; nil where it has no images.
  ///   - count: images of all processes.
  /// - Throws: in the first process `FIDError.nonFinite`, `ArtifactError.inputOutput` for a full disk.
  mutating func add(_ own: ImageFeatures?, count: Int) throws {
    if outputs.contains(.pooled) {
      let rows = gathered(own?.pooled_BF)
      if keepsMoments { try add(rows, count, to: &pooled) }
      if keepsFeatures { try add(rows, count, to: &features) }
    }
    if outputs.contains(.spatial) { try add(gathered(own?.spatial_BS), count, to: &spatial) }
    if outputs.contains(.logits) { try add(gathered(own?.logits_BC), count, to: &logits) }
  }

  private func gathered(_ own: Tensor?) -> [Float] { Array(group.gather(own?.elements ?? []).joined()) }

  private func add(_ rows: [Float], _ count: Int, to statistics: inout StatisticsAccumulator?) throws {
    guard group.isFirst else { return }
    var all = statistics ?? StatisticsAccumulator(dimension: rows.count / count, provenance: provenance)
    // Not held twice, or it would be copied.
    statistics = nil
    try all.add(rows.map(Double.init))
    statistics = all
  }

  private func add(_ rows: [Float], _ count: Int, to store: inout FeatureStore?) throws {
    guard group.isFirst else { return }
    let all = try store ?? FeatureStore(dimension: rows.count / count)
    store = all
    try all.add(rows)
  }
}
