import Artifacts
import Datasets
import FIDEval
import Foundation

/// Measures both sides of a comparison and computes the metrics.
struct FIDScoring {
  let measurement: ImageMeasurement
  let metrics: [Metric]
  let seed: UInt32
  let usesCache: Bool

  /// What is known of one side.
  private struct Side {
    var pooled: FeatureStatistics?
    var spatial: FeatureStatistics?
    var features: FeatureStore?
    var logits: FeatureStore?
    var details = FIDReport.Side()
  }

  private static let splits = 10
  private static let subsetSize = 1000

  /// Fills the report in. Throws whatever reading and comparing throw.
  func callAsFunction(images: String, reference: FIDReference?, into report: inout FIDReport) throws {
    // All that can be wrong is found before anything is measured.
    let statistics = try isStatisticsFile(images) ? try side(ofStatistics: images, &report) : nil
    if statistics != nil, reference?.images == nil, measurement.input.isGiven {
      throw CommandFailure(
        .usage, "--alpha, --resize and --skip-bad are of images, and both sides are statistics; leave them out")
    }
    let input = try statistics == nil ? measurement.load(images, title: "features") : nil
    if let input {
      for metric in metrics { try metric.require(input.count, in: images) }
      report.warnOfRecord(in: images, holding: input.count + input.bad.count)
    }
    let theirs = try reference.map { try side(of: $0, &report) }
    guard let ours = try statistics ?? input.map({ try measured($0, metrics, title: "features") }) else {
      preconditionFailure("neither statistics nor images")
    }
    (report.count, report.imagesDetails) = (ours.details.count, ours.details)
    report.reference = reference?.name
    (report.referenceCount, report.referenceDetails) = (theirs?.details.count, theirs?.details)
    for (side, path) in [(ours, images), (theirs, reference?.images ?? "")] {
      if metrics.contains(.precisionRecall), let count = side?.features?.count {
        report.warnOfPrecision(count, in: path)
      }
    }
    if let count = ours.logits?.count { report.warnOfScore(count, splits: Self.splits, in: images) }
    if metrics.need(.moments) {
      if let count = ours.details.count { report.warnOfCount(count, in: images) }
      if let count = theirs?.details.count, count < report.dimension, let name = reference?.name {
        report.warnOfCount(count, in: name)
      }
    }
    try compare(ours, theirs, &report)
  }

  private func side(ofStatistics path: String, _ report: inout FIDReport) throws -> Side {
    if let metric = metrics.first(where: { $0.reference != .moments }) {
      throw CommandFailure(
        .usage, "--metrics \(metric.rawValue) needs images, and \(path) holds statistics; give a folder of images")
    }
    let statistics = try ReferenceStatistics.read(path)
    noteUnknownFeatures(of: statistics, in: path, &report)
    return try side(statistics, in: path)
  }

  /// Says where it cannot be checked whose features statistics are of.
  private func noteUnknownFeatures(of statistics: ReferenceStatistics, in place: String, _ report: inout FIDReport) {
    guard statistics.pooled.provenance == nil else { return }
    report.warn(
      "note: \(place) does not say whose features it holds; they are taken to be those of "
        + "\(report.extractor) under protocol \(report.protocol)")
  }

  private func isStatisticsFile(_ path: String) throws -> Bool {
    guard let kind = FileAccess.kind(path), kind != .folder else { return false }
    guard !path.lowercased().hasSuffix(".png") else {
      throw CommandFailure(.usage, "\(path): is one image; give the folder of a set")
    }
    return try !ReferenceStatistics.isNumPy(path) || NumPyFile.open(path).entry(ImageInput.arrayName) == nil
  }

  /// The reference: statistics of a file, features of images where the metrics need them.
  private func side(of reference: FIDReference, _ report: inout FIDReport) throws -> Side {
    guard let statistics = reference.statistics else {
      guard let path = reference.images else { preconditionFailure("a reference without statistics and images") }
      let needed = metrics.filter { $0.reference != .none }
      return try FileAccess.isFolder(path) ? cached(path, needed, &report) : measured(path, needed, &report)
    }
    var side = try side(statistics, in: reference.name)
    if metrics.need(.moments) { noteUnknownFeatures(of: statistics, in: reference.name, &report) }
    let perImage = metrics.filter { $0.reference == .features }
    if let path = reference.images, !perImage.isEmpty {
      let found = try measured(path, perImage, &report)
      side.features = found.features
      side.details.featureCount = found.details.count
    }
    return side
  }

  /// Throws unless the statistics are of this network's features.
  private func side(_ statistics: ReferenceStatistics, in place: String) throws -> Side {
    try measurement.choice.extractor.requireSameFeatures(as: statistics.pooled, in: place)
    guard !metrics.contains(.sfid) || statistics.spatial != nil else {
      throw FIDError.invalidStatistics(path: place, detail: "mu_s and sigma_s, which sfid needs, are missing")
    }
    return Side(
      pooled: statistics.pooled, spatial: statistics.spatial,
      details: FIDReport.Side(count: statistics.pooled.count))
  }

  private func measured(_ path: String, _ metrics: [Metric], _ report: inout FIDReport) throws -> Side {
    let images = try measurement.load(path, title: "reference")
    for metric in metrics { try metric.require(images.count, in: path) }
    report.warnOfRecord(in: path, holding: images.count + images.bad.count)
    return try measured(images, metrics, title: "reference")
  }

  private func measured(_ images: ImageInput, _ metrics: [Metric], title: String) throws -> Side {
    let found = try measurement(images, for: metrics, title: title)
    let (features, size) = (found.features, found.input.size)
    return Side(
      pooled: features.pooled, spatial: features.spatial, features: features.features, logits: features.logits,
      details: FIDReport.Side(
        count: features.count, skipped: found.skipped, resized: found.input.resizedCount, width: size.width,
        height: size.height, imagesPerSecond: found.imagesPerSecond))
  }

  /// A folder's statistics, from the cache where only they are needed.
  private func cached(_ path: String, _ metrics: [Metric], _ report: inout FIDReport) throws -> Side {
    guard usesCache, !metrics.need(.features), metrics.contains(.fid) else {
      return try measured(path, metrics, &report)
    }
    let cache = try StatisticsCache(
      folder: path, measurement.input.options, measurement.choice.extractor, metrics: metrics)
    if let kept = cache?.read() {
      Log.info("reference: statistics of \(path) as computed before (--no-cache computes them anew)")
      var side = try side(kept, in: path)
      side.details.cached = true
      if let count = side.details.count { report.warnOfRecord(in: path, holding: count) }
      return side
    }
    let side = try measured(path, metrics, &report)
    // What was left out is part of the result, and the cache does not know it.
    if side.details.skipped == 0, let pooled = side.pooled {
      cache?.write(ReferenceStatistics(pooled: pooled, spatial: side.spatial))
    }
    return side
  }

  private func compare(_ ours: Side, _ theirs: Side?, _ report: inout FIDReport) throws {
    if metrics.contains(.fid), let a = ours.pooled, let b = theirs?.pooled { report.fid = try frechetDistance(a, b) }
    if metrics.contains(.sfid), let a = ours.spatial, let b = theirs?.spatial {
      report.sfid = try frechetDistance(a, b)
    }
    if let logits = ours.logits {
      let score = try inceptionScore(logits, splits: Self.splits, seed: seed)
      report.inceptionScore = FIDReport.Score(mean: score.mean, deviation: score.deviation, splits: Self.splits)
    }
    guard let a = ours.features, let b = theirs?.features else { return }
    if metrics.contains(.kid) { report.kid = try kid(a, b, &report) }
    if metrics.contains(.precisionRecall) {
      var meter: ProgressMeter?
      let found = try precisionRecall(a, b) { done, total in
        if meter == nil { meter = ProgressMeter("precision and recall", total: total, unit: "tiles") }
        meter?.update(done)
      }
      meter?.close()
      (report.precision, report.recall, report.neighbours) = (found.precision, found.recall, found.neighbours)
    }
  }

  private func kid(_ a: FeatureStore, _ b: FeatureStore, _ report: inout FIDReport) throws -> FIDReport.Score {
    let meter = ProgressMeter("KID", total: 100, unit: "subsets")
    defer { meter.close() }
    let found = try kernelDistance(a, b, subsets: 100, subsetSize: Self.subsetSize, seed: seed) { done in
      meter.update(done)
    }
    if found.subsetSize < Self.subsetSize {
      report.warn("note: KID on subsets of \(found.subsetSize) images instead of \(Self.subsetSize)")
    }
    return FIDReport.Score(
      mean: found.value.mean, deviation: found.value.deviation, subsets: found.subsets, subsetSize: found.subsetSize)
  }
}
