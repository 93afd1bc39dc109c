import ArgumentParser
import Distillation

/// From options to settings.
extension DistillationOptions {
  func validate() throws {
    try Requirement.positive(stage1Steps, "--stage1-steps")
    try Requirement.positive(stage1LearningRate, "--stage1-lr")
    try Requirement.within(0...1000, extraLayers, "--extra-layers")
    try Requirement.atLeast(0, noiseGain, "--noise-gain")
    try Requirement.positive(parts, "--parts")
    try Requirement.within(1...65536, headWidth, "--head-width")
    try Requirement.within(0...1000, headDepth, "--head-depth")
    try Requirement.positive(pairs, "--pairs")
    try Requirement.positive(warmStartSteps, "--warm-start-steps")
    try Requirement.positive(regressionLearningRate, "--regression-lr")
    try Requirement.atLeast(0, regressionCrossEntropy, "--regression-cross-entropy")
    try Requirement.atLeast(0, regressionWeight, "--regression-weight")
    try Requirement.atLeast(0, prefixShare, "--prefix-share")
    if let prefixShare, prefixShare > 1 {
      throw ValidationError("--prefix-share is \(prefixShare); give a share of at most 1")
    }
    try Requirement.positive(minTime, "--min-time")
    try Requirement.positive(trainingImages, "--training-images")
    try Requirement.atLeast(0, alpha, "--alpha")
    try Requirement.within(1...65536, batch, "--batch")
    try Requirement.within(1...1000, noiseLevels, "--noise-levels")
    for (count, name) in [(scoreUpdates, "--score-updates"), (firstScoreUpdates, "--first-score-updates")] {
      try Requirement.positive(count, name)
      if let count, count > DistillationConfiguration.mostScoreUpdates {
        throw ValidationError("\(name) is \(count); give at most \(DistillationConfiguration.mostScoreUpdates)")
      }
    }
    try Requirement.atLeast(0, firstRounds, "--first-rounds")
    try Requirement.positive(generatorLearningRate, "--generator-lr")
    try Requirement.atLeast(0, generatorHold, "--generator-hold")
    try Requirement.positive(scoreLearningRate, "--score-lr")
    try Requirement.atLeast(0, ema, "--ema")
    if let ema, ema >= 1 { throw ValidationError("--ema is \(ema); give less than 1") }
    try Requirement.positive(emaRamp, "--ema-ramp")
    try Requirement.positive(snapshotEvery, "--snapshot-every")
    try Requirement.positive(checkpointEvery, "--checkpoint-every")
  }

  /// `base` with what was given on the command line in its place.
  /// - Throws: `ValidationError` for an option without effect under the other settings.
  func applied(to base: DistillationConfiguration) throws -> DistillationConfiguration {
    var settings = base
    Self.set(&settings.seed, seed)
    Self.set(&settings.method, method)
    // Sampling in two steps belongs to dd1.
    if method == .dd1, base.method != .dd1 { settings.prefixShare = Self.defaultPrefixShare }
    Self.set(&settings.prefixShare, prefixShare)
    Self.set(&settings.stage1Steps, stage1Steps)
    Self.set(&settings.stage1LearningRate, stage1LearningRate)
    Self.set(&settings.head.estimate, headEstimate)
    Self.set(&settings.adaptation.extraLayers, extraLayers)
    // The gain is of the logits that a linear head does not have.
    if settings.head.estimate == .linear { settings.adaptation.noiseGain = 0 }
    Self.set(&settings.adaptation.noiseGain, noiseGain)
    Self.set(&settings.adaptation.isBidirectional, bidirectional)
    Self.set(&settings.adaptation.readsOwnNoise, ownNoise)
    Self.set(&settings.adaptation.parts, parts)
    Self.set(&settings.head.width, headWidth)
    Self.set(&settings.head.depth, headDepth)
    Self.set(&settings.warmStart, warmStart)
    Self.set(&settings.randomStart, randomStart)
    Self.set(&settings.pairs, pairs)
    Self.set(&settings.warmStartSteps, warmStartSteps)
    Self.set(&settings.regressionLearningRate, regressionLearningRate)
    Self.set(&settings.regressionCrossEntropy, regressionCrossEntropy)
    Self.set(&settings.regressionWeight, regressionWeight)
    Self.set(&settings.trainingImages, trainingImages)
    Self.set(&settings.loss, loss)
    Self.set(&settings.alpha, alpha)
    Self.set(&settings.batch, batch)
    Self.set(&settings.noiseLevels, noiseLevels)
    settings.timeRange = try Self.timeRange(minTime ?? base.timeRange.lowerBound, maxTime ?? base.timeRange.upperBound)
    Self.set(&settings.timeDistribution, timeDistribution)
    Self.set(&settings.prefixes, prefixes)
    Self.set(&settings.scoreUpdates, scoreUpdates)
    Self.set(&settings.firstRounds, firstRounds)
    Self.set(&settings.firstScoreUpdates, firstScoreUpdates)
    // The first rounds are there to let the score network catch up: they never make fewer updates than the others.
    settings.firstScoreUpdates = max(settings.firstScoreUpdates, settings.scoreUpdates)
    Self.set(&settings.generatorLearningRate, generatorLearningRate)
    Self.set(&settings.generatorHold, generatorHold)
    Self.set(&settings.scoreLearningRate, scoreLearningRate)
    Self.set(&settings.emaDecay, ema)
    Self.set(&settings.emaRamp, emaRamp)
    Self.set(&settings.snapshotInterval, snapshotEvery)
    Self.set(&settings.checkpointInterval, checkpointEvery)
    try check(settings)
    return settings
  }

  private static func timeRange(_ low: Float, _ high: Float) throws -> ClosedRange<Float> {
    guard low < high, high <= 1 else {
      throw ValidationError("times from \(low) to \(high): give --min-time below --max-time, and at most 1")
    }
    return low...high
  }

  private static func set<Value>(_ target: inout Value, _ value: Value?) {
    if let value { target = value }
  }
}
