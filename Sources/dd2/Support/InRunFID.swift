import Distillation
import FIDEval
import Training

/// What measures FID while a distillation goes on.
enum InRunFID {
  /// The scorer of a run: nil where it measures none, or where the built-in reference, which nobody asked for, cannot be
  /// had.
  ///
  /// Throws for a reference that cannot be used, before anything is trained.
  /// - Parameters:
  ///   - side: of the images that the run draws.
  ///   - isAsked: whether FID was asked for.
  static func scorer(_ record: DistillationRecord, side: Int, isAsked: Bool) throws -> FIDScorer? {
    let settings = record.settings
    guard settings.evaluationInterval > 0 else { return nil }
    do {
      let scorer = try scorer(record, side: side)
      let (count, network) = (settings.evaluationCount, scorer.extractor)
      if let text = FIDReport.rankWarning(count, in: "each measurement", dimension: network.dimension) {
        Log.warning(text)
      }
      return scorer
    } catch let error as CommandFailure where record.reference == nil && !isAsked {
      Log.warning("no FID during the run: \(error.description)")
      return nil
    }
  }

  private static func scorer(_ record: DistillationRecord, side: Int) throws -> FIDScorer {
    let reference = try FIDReference(record.reference?.path ?? FIDReference.shapesName)
    try record.reference?.requireUnchanged(at: reference.path)
    try record.referenceWeights?.requireUnchanged()
    let statistics = try reference.requireStatistics()
    let choice = try FeatureExtractorChoice.load(
      reference.preference.network, protocol: reference.preference.imageProtocol,
      weights: record.referenceWeights?.path)
    try choice.extractor.requireSameFeatures(as: statistics, in: reference.name)
    if let required = choice.requiredSide, required != side {
      throw CommandFailure(
        .badData,
        "\(reference.name): its features are of images of \(required) x \(required) pixels where the teacher's are "
          + "\(side) x \(side); give --ref with statistics of Inception's features, or --evaluate-every 0")
    }
    if record.reference != nil { Log.info("FID against \(reference.name): \(choice.extractor.provenance)") }
    return FIDScorer(extractor: choice.extractor, reference: statistics)
  }

  /// The statistics that settings name, as they are now; nil for the built-in ones.
  /// - Throws: what reading them throws.
  static func recordedReference(_ name: String?) throws -> RecordedFile? {
    try name.map { name in
      let reference = try FIDReference(name)
      _ = try reference.requireStatistics()
      return try RecordedFile(at: reference.path, named: name)
    }
  }
}
