import ArgumentParser
import Distillation
import FIDEval
import Foundation
import Training

/// What a run's FID is measured against, how often and on how many images.
struct InRunFIDOptions: ParsableArguments {
  private static let defaults = DistillationConfiguration(steps: 0)

  @Option(
    name: .customLong("ref"),
    help: ArgumentHelp(
      "What FID is measured against while the run goes on: shapes32, imagenet256 or a file of 'dd2 ref build', which "
        + "tells the feature network (default: shapes32; with --data none, and no FID).", valueName: "name|file"))
  var reference: String?

  @Option(
    name: .customLong("ref-weights"),
    help: ArgumentHelp(
      "The weights of that feature network (default: fetched ones for inception, the bundled ones for shapes32).",
      valueName: "file"))
  var weights: String?

  @Option(
    parsing: .unconditional,
    help: "Generator updates between FID measurements, 0 for none (default: \(defaults.evaluationInterval)).")
  var evaluateEvery: Int?

  @Option(parsing: .unconditional, help: "Images of a measurement (default: \(defaults.evaluationCount)).")
  var evaluateCount: Int?

  func validate() throws {
    try Requirement.atLeast(0, evaluateEvery, "--evaluate-every")
    if let evaluateCount, evaluateCount < 2 {
      throw ValidationError("--evaluate-count is \(evaluateCount); give 2 or more, for a stable FID 10,000")
    }
    if weights != nil, reference == nil {
      throw ValidationError("--ref-weights needs --ref, the statistics that they go with")
    }
  }

  /// Throws `ValidationError` for FID that is asked for beside --data without anything to measure against.
  func requireReference() throws {
    guard reference == nil, (evaluateEvery ?? 0) > 0 || evaluateCount != nil else { return }
    throw ValidationError(
      "FID is measured against shapes32, which --data is not; give --ref with a file of 'dd2 ref build', or leave out "
        + "--evaluate-every and --evaluate-count")
  }

  /// `base` with what was given on the command line in its place.
  /// - Parameter readsOtherImages: whether --data is given: the built-in reference is then none.
  /// - Throws: `ValidationError` for an option without effect; what reading a file throws.
  func applied(to base: DistillationConfiguration, readsOtherImages: Bool) throws -> DistillationConfiguration {
    var settings = base
    if let evaluateEvery { settings.evaluationInterval = evaluateEvery }
    if let evaluateCount { settings.evaluationCount = evaluateCount }
    if let name = reference {
      let reference = try FIDReference(name)
      _ = try reference.requireStatistics()
      settings.reference = try RecordedFile(at: reference.path, named: name)
      settings.referenceWeights = try weights.map { try RecordedFile(at: $0) }
    }
    if readsOtherImages, settings.reference == nil {
      try requireReference()
      settings.evaluationInterval = 0
    }
    if settings.evaluationInterval == 0, reference != nil || evaluateCount != nil {
      throw ValidationError("--ref and --evaluate-count have no effect with --evaluate-every 0")
    }
    return settings
  }

  /// What measures FID during a run of `settings`: nothing where it is not wanted, or, unless asked for, cannot be had.
  ///
  /// Throws for a reference that cannot be used, before anything is trained.
  /// - Parameter side: of the images that the run draws.
  func scorer(_ settings: DistillationConfiguration, side: Int) throws -> FIDScorer? {
    guard settings.evaluationInterval > 0 else { return nil }
    do {
      let scorer = try Self.scorer(settings.reference, weights: settings.referenceWeights, side: side)
      let (count, network) = (settings.evaluationCount, scorer.extractor)
      if let text = FIDReport.rankWarning(count, in: "each measurement", dimension: network.dimension) {
        Log.warning(text)
      }
      return scorer
    } catch let error as CommandFailure where settings.reference == nil && evaluateEvery == nil {
      Log.warning("no FID during the run: \(error.description)")
      return nil
    }
  }

  private static func scorer(_ recorded: RecordedFile?, weights: RecordedFile?, side: Int) throws -> FIDScorer {
    let reference = try FIDReference(recorded?.path ?? FIDReference.shapesName)
    try recorded?.requireUnchanged(at: reference.path)
    try weights?.requireUnchanged()
    let statistics = try reference.requireStatistics()
    let choice = try FeatureExtractorChoice.load(
      reference.preference.network, protocol: reference.preference.imageProtocol, weights: weights?.path)
    try choice.extractor.requireSameFeatures(as: statistics, in: reference.name)
    if let required = choice.requiredSide, required != side {
      throw CommandFailure(
        .badData,
        "\(reference.name): its features are of images of \(required) x \(required) pixels where the teacher's are "
          + "\(side) x \(side); give --ref with statistics of Inception's features, or --evaluate-every 0")
    }
    if recorded != nil { Log.info("FID against \(reference.name): \(choice.extractor.provenance)") }
    return FIDScorer(extractor: choice.extractor, reference: statistics)
  }
}
