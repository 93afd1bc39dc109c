import Artifacts
import Datasets
import Processes

/// Measures both sides of a comparison and computes the metrics. The processes of a job share the images; the first one
/// compares, the report of the others lacks the metrics.
package struct FIDScoring {
  private let measurement: ImageMeasurement
  private let metrics: [Metric]
  private let seed: UInt32
  private let usesCache: Bool

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
  private static let subsets = 100

  private var choice: FeatureExtractorChoice { measurement.choice }
  private var observer: any MeasurementObserver { measurement.observer }

  /// - Parameters:
  ///   - seed: of KID's subsets and of the Inception Score's shuffle.
  ///   - usesCache: whether a reference folder's statistics are kept, and not measured again.
  /// - Throws: `FIDError.unfit` where the network lacks what a metric needs.
  package init(_ measurement: ImageMeasurement, metrics: [Metric], seed: UInt32, usesCache: Bool) throws {
    self.measurement = measurement
    self.metrics = metrics
    self.seed = seed
    self.usesCache = usesCache
    guard let metric = metrics.first(where: { !$0.outputs.isSubset(of: choice.extractor.available) }) else { return }
    throw FIDError.unfit(
      "--metrics \(metric.rawValue): the network \(choice.extractor.name) has no such features; leave it out, or use "
        + "--extractor inception")
  }

  /// Measures images, or statistics in a file, against a reference. Throws whatever reading and comparing throw.
  package func score(images: String, reference: FIDReference?) throws -> FIDReport {
    // All that can be wrong is found before anything is measured.
    var report = FIDReport()
    let statistics = try isStatisticsFile(images) ? try side(ofStatistics: images, &report) : nil
    if statistics != nil, reference?.images == nil, measurement.options != ImageInput.Options() {
      throw FIDError.unfit(
        "--alpha, --resize and --skip-bad are of images, and both sides are statistics; leave them out")
    }
    let input = try statistics == nil ? measurement.load(images, title: "features") : nil
    if let input { try check(input, metrics, &report) }
    let theirs = try reference.map { try side(of: $0, &report) }
    guard let ours = try statistics ?? input.map({ try measured($0, metrics, title: "features") }) else {
      preconditionFailure("neither statistics nor images")
    }
    (report.count, report.imagesDetails) = (ours.details.count, ours.details)
    (report.referenceCount, report.referenceDetails) = (theirs?.details.count, theirs?.details)
    note(ours, in: images, theirs, in: reference, &report)
    try compare(ours, theirs, &report)
    return report
  }

  /// Adds a line to the result, and shows it.
  private func warn(_ text: String?, _ report: inout FIDReport) {
    guard let text else { return }
    report.warnings.append(text)
    observer.warn(text)
  }

  /// Says where there are few images for the metrics.
  private func note(
    _ ours: Side, in images: String, _ theirs: Side?, in reference: FIDReference?, _ report: inout FIDReport
  ) {
    for (side, path) in [(ours, images), (theirs, reference?.images ?? "")] {
      if metrics.contains(.precisionRecall), let count = side?.features?.count {
        warn(FIDReport.precisionNote(count, in: path), &report)
      }
    }
    if let count = ours.logits?.count { warn(FIDReport.scoreNote(count, splits: Self.splits, in: images), &report) }
    guard metrics.need(.moments) else { return }
    let dimension = choice.extractor.dimension
    let sides = [(ours.details.count, images), (theirs?.details.count, reference?.name ?? "")]
    for (index, (count, place)) in sides.enumerated() {
      guard let count, index == 0 || count < dimension else { continue }
      warn(FIDReport.rankWarning(count, in: place, dimension: dimension), &report)
      warn(FIDReport.biasNote(count, in: place), &report)
    }
  }

  /// Throws `FIDError.tooFewFor`; says where a folder is not what its record says.
  private func check(_ images: ImageInput, _ metrics: [Metric], _ report: inout FIDReport) throws {
    for metric in metrics { try metric.require(images.count, in: images.path) }
    warn(FIDReport.recordWarning(images.count + images.bad.count, in: images.path), &report)
    warn(FIDReport.jpegWarning(images.jpegCount, of: images.count, in: images.path), &report)
  }

  private func side(ofStatistics path: String, _ report: inout FIDReport) throws -> Side {
    if let metric = metrics.first(where: { $0.reference != .moments }) {
      throw FIDError.unfit(
        "--metrics \(metric.rawValue) needs images, and \(path) holds statistics; give a folder of images")
    }
    let statistics = try ReferenceStatistics.read(path)
    noteUnknownFeatures(of: statistics, in: path, &report)
    return try side(statistics, in: path)
  }

  /// Says where it cannot be checked whose features statistics are of.
  private func noteUnknownFeatures(of statistics: ReferenceStatistics, in place: String, _ report: inout FIDReport) {
    guard statistics.pooled.provenance == nil else { return }
    warn(
      "note: \(place) does not say whose features it holds; they are taken to be those of "
        + "\(choice.extractor.name) under protocol \(choice.protocolName)", &report)
  }

  private func isStatisticsFile(_ path: String) throws -> Bool {
    guard let kind = FileAccess.kind(path), kind != .folder else { return false }
    guard !path.lowercased().hasSuffix(".png") else {
      throw FIDError.unfit("\(path): is one image; give the folder of a set")
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
    try choice.extractor.requireSameFeatures(as: statistics.pooled, in: place)
    guard !metrics.contains(.sfid) || statistics.spatial != nil else {
      throw FIDError.invalidStatistics(path: place, detail: "mu_s and sigma_s, which sfid needs, are missing")
    }
    return Side(
      pooled: statistics.pooled, spatial: statistics.spatial,
      details: FIDReport.Side(count: statistics.pooled.count))
  }

  private func measured(_ path: String, _ metrics: [Metric], _ report: inout FIDReport) throws -> Side {
    let images = try measurement.load(path, title: "reference")
    try check(images, metrics, &report)
    return try measured(images, metrics, title: "reference")
  }

  private func measured(_ images: ImageInput, _ metrics: [Metric], title: String) throws -> Side {
    let found = try measurement.measure(images, for: metrics, title: title)
    let (features, size) = (found.features, found.input.size)
    return Side(
      pooled: features.pooled, spatial: features.spatial, features: features.features, logits: features.logits,
      details: FIDReport.Side(
        count: features.count, skipped: found.skipped, resized: found.input.resizedCount,
        jpeg: found.input.jpegCount, width: size.width, height: size.height, imagesPerSecond: found.imagesPerSecond))
  }

  /// A folder's statistics, from the cache where only they are needed.
  private func cached(_ path: String, _ metrics: [Metric], _ report: inout FIDReport) throws -> Side {
    guard usesCache, !metrics.need(.features), metrics.contains(.fid) else {
      return try measured(path, metrics, &report)
    }
    // Each host has a cache of its own, of which the first process's counts.
    let group = ProcessGroup.current
    let cache =
      try group.isFirst
      ? StatisticsCache(folder: path, measurement.options, choice.extractor, metrics: metrics) : nil
    let kept = cache?.read()
    if group.fromFirst({ kept != nil }) { return try kept.map { try self.side(ofKept: $0, path, &report) } ?? Side() }
    let side = try measured(path, metrics, &report)
    // What was left out is part of the result, and the cache does not know it.
    if side.details.skipped == 0, let pooled = side.pooled {
      cache?.write(ReferenceStatistics(pooled: pooled, spatial: side.spatial), observer)
    }
    return side
  }

  /// A folder's statistics as they were kept.
  private func side(ofKept kept: ReferenceStatistics, _ path: String, _ report: inout FIDReport) throws -> Side {
    observer.note("reference: statistics of \(path) as computed before (--no-cache computes them anew)")
    var side = try side(kept, in: path)
    side.details.cached = true
    guard let count = side.details.count else { return side }
    let jpegCount = try ImageInput.jpegCount(in: path)
    side.details.jpeg = jpegCount
    warn(FIDReport.recordWarning(count, in: path), &report)
    warn(FIDReport.jpegWarning(jpegCount, of: count, in: path), &report)
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
      var hasBegun = false
      defer { observer.end() }
      let found = try precisionRecall(a, b) { done, total in
        if !hasBegun { observer.begin("precision and recall", total: total, unit: "tiles") }
        hasBegun = true
        observer.advance(done)
      }
      (report.precision, report.recall, report.neighbours) = (found.precision, found.recall, found.neighbours)
    }
  }

  private func kid(_ a: FeatureStore, _ b: FeatureStore, _ report: inout FIDReport) throws -> FIDReport.Score {
    observer.begin("KID", total: Self.subsets, unit: "subsets")
    defer { observer.end() }
    let found = try kernelDistance(
      a, b, subsets: Self.subsets, subsetSize: Self.subsetSize, seed: seed, progress: observer.advance)
    if found.subsetSize < Self.subsetSize {
      warn("note: KID on subsets of \(found.subsetSize) images instead of \(Self.subsetSize)", &report)
    }
    return FIDReport.Score(
      mean: found.value.mean, deviation: found.value.deviation, subsets: found.subsets, subsetSize: found.subsetSize)
  }
}
