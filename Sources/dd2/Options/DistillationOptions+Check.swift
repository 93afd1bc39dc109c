import ArgumentParser
import Distillation

/// Which options go together: one without effect is an error, not a shrug.
extension DistillationOptions {
  /// - Throws: `ValidationError` for an option without effect under `settings`.
  func check(_ settings: DistillationConfiguration) throws {
    if settings.prefixShare > 0, settings.givenRows == 0 {
      throw ValidationError(
        "--prefix-share \(settings.prefixShare) of a --batch of \(settings.batch) is no sequence; give more of either, "
          + "or --prefix-share 0")
    }
    if let firstScoreUpdates, firstScoreUpdates < settings.scoreUpdates {
      throw ValidationError(
        "--first-score-updates is \(firstScoreUpdates), below the \(settings.scoreUpdates) of all rounds; give as many "
          + "or more")
    }
    if settings.head.estimate == .linear, let name = Self.firstGiven(logitOptions) {
      throw ValidationError("\(name) is of the token logits, which --head linear does not have")
    }
    switch settings.method {
    case .dd1:
      if let name = Self.firstGiven(scoreDistillationOptions) {
        throw ValidationError("\(name) belongs to --method dd2; dd1 is the regression alone")
      }
    case .dd2:
      if alpha != nil, settings.loss != .sid { throw ValidationError("--alpha belongs to --loss sid") }
      if stage1From != nil, let name = Self.firstGiven(stage1Options) {
        throw ValidationError("\(name) has no effect beside --stage1-from: that run brings a trained stage 1")
      }
      try checkStart(settings)
    }
  }

  /// What stage 2 starts from.
  private func checkStart(_ settings: DistillationConfiguration) throws {
    let wantsPairs = settings.regressionWeight > 0
    if start != nil {
      if let name = Self.firstGiven([("--warm-start", warmStart != nil)] + warmStartOptions + structureOptions) {
        throw ValidationError("\(name) has no effect beside --start: the file brings a trained generator")
      }
      if !wantsPairs, let name = Self.firstGiven(pairOptions) {
        throw ValidationError("\(name) has no effect beside --start without --regression-weight")
      }
    } else if settings.warmStart != .pairs {
      if let name = Self.firstGiven(warmStartOptions) { throw ValidationError("\(name) needs --warm-start pairs") }
      if !wantsPairs, let name = Self.firstGiven(pairOptions) {
        throw ValidationError("\(name) needs --warm-start pairs or --regression-weight")
      }
    }
    if settings.randomStart == .generator || settings.randomStart == .both,
      start != nil || settings.warmStart != .none
    {
      throw ValidationError("--random-start \(settings.randomStart.rawValue) needs --warm-start none and no --start")
    }
  }

  private typealias Given = (name: String, isGiven: Bool)

  private static func firstGiven(_ options: [Given]) -> String? { options.first(where: \.isGiven)?.name }

  /// What the training of stage 1 alone uses.
  private var stage1Options: [Given] {
    [
      ("--stage1-steps", stage1Steps != nil), ("--stage1-lr", stage1LearningRate != nil),
      ("--training-images", trainingImages != nil),
    ]
  }

  /// What only the regression before stage 2 uses.
  private var warmStartOptions: [Given] {
    [("--warm-start-steps", warmStartSteps != nil), ("--regression-lr", regressionLearningRate != nil)]
  }

  /// What a regression on pairs uses, before stage 2 or in it.
  private var pairOptions: [Given] {
    [
      ("--pairs", pairs != nil), ("--pairs-from", pairsFrom != nil),
      ("--regression-cross-entropy", regressionCrossEntropy != nil), ("--prefix-share", prefixShare != nil),
    ]
  }

  /// What a generator file says of itself.
  private var structureOptions: [Given] {
    [
      ("--extra-layers", extraLayers != nil), ("--bidirectional", bidirectional != nil),
      ("--noise-gain", noiseGain != nil), ("--own-noise", ownNoise != nil), ("--parts", parts != nil),
      ("--head", headEstimate != nil), ("--head-width", headWidth != nil), ("--head-depth", headDepth != nil),
    ]
  }

  /// What works on the posterior head's token logits.
  private var logitOptions: [Given] {
    [
      ("--noise-gain", (noiseGain ?? 0) > 0),
      ("--regression-cross-entropy", regressionCrossEntropy != nil),
    ]
  }

  /// What only conditional score distillation and what comes before it use.
  private var scoreDistillationOptions: [Given] {
    stage1Options + [
      ("--stage1-from", stage1From != nil), ("--warm-start", warmStart != nil), ("--start", start != nil),
      ("--random-start", randomStart != nil), ("--regression-weight", regressionWeight != nil),
      ("--warm-start-steps", warmStartSteps != nil),
      ("--loss", loss != nil), ("--alpha", alpha != nil),
      ("--noise-levels", noiseLevels != nil), ("--min-time", minTime != nil), ("--max-time", maxTime != nil),
      ("--time-distribution", timeDistribution != nil), ("--prefixes", prefixes != nil),
      ("--score-updates", scoreUpdates != nil), ("--first-score-updates", firstScoreUpdates != nil),
      ("--first-rounds", firstRounds != nil), ("--generator-lr", generatorLearningRate != nil),
      ("--generator-hold", generatorHold != nil), ("--score-lr", scoreLearningRate != nil),
    ]
  }
}
