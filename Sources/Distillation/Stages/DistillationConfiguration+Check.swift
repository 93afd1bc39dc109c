import NN

extension DistillationConfiguration: CheckedSettings {
  public func check() throws(SettingsError) {
    try guidance.check()
    try head.check()
    try adaptation.check()
    try checkCounts()
    try checkIntervals()
    try checkRates()
  }

  private func checkCounts() throws(SettingsError) {
    try Setting.atLeast(0, steps, "steps")
    try Setting.within(1...65536, batch, "batch")
    try Setting.within(1...1000, noiseLevels, "noiseLevels")
    try Setting.within(1...Self.mostScoreUpdates, scoreUpdates, "scoreUpdates")
    try Setting.within(1...Self.mostScoreUpdates, firstScoreUpdates, "firstScoreUpdates")
    try Setting.atLeast(0, firstRounds, "firstRounds")
    try Setting.atLeast(0, generatorHold, "generatorHold")
    for (count, name) in [
      (trainingImages, "trainingImages"), (stage1Steps, "stage1Steps"), (warmStartSteps, "warmStartSteps"),
      (pairs, "pairs"), (pairIntegrationSteps, "pairIntegrationSteps"),
    ] {
      try Setting.atLeast(1, count, name)
    }
  }

  private func checkIntervals() throws(SettingsError) {
    try Setting.atLeast(2, evaluationCount, "evaluationCount")
    try Setting.atLeast(1, snapshotInterval, "snapshotInterval")
    try Setting.atLeast(0, evaluationInterval, "evaluationInterval")
    try Setting.atLeast(1, checkpointInterval, "checkpointInterval")
  }

  private func checkRates() throws(SettingsError) {
    for (rate, name) in [
      (stage1LearningRate, "stage1LearningRate"), (regressionLearningRate, "regressionLearningRate"),
      (generatorLearningRate, "generatorLearningRate"), (scoreLearningRate, "scoreLearningRate"),
      (emaRamp, "emaRamp"),
    ] {
      try Setting.positive(rate, name)
    }
    try Setting.atLeast(0, alpha, "alpha")
    try Setting.atLeast(0, regressionCrossEntropy, "regressionCrossEntropy")
    try Setting.atLeast(0, regressionWeight, "regressionWeight")
    try Setting.within(0...1, prefixShare, "prefixShare")
    guard emaDecay >= 0, emaDecay < 1 else { throw SettingsError("emaDecay is \(emaDecay), not 0 or more and below 1") }
    let (low, high) = (timeRange.lowerBound, timeRange.upperBound)
    guard low > 0, low < high, high <= 1 else {
      throw SettingsError("timeRange is \(low) to \(high), not times above 0 and at most 1, the first below the second")
    }
  }
}
