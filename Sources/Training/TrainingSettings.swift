import NN

/// Settings of one training stage with one network.
public struct TrainingSettings: Codable, Equatable, Sendable {
  /// Updates.
  public var steps: Int
  /// Images per update.
  public var batch: Int
  /// Rate against step.
  public var schedule: LearningRateSchedule
  /// Optimiser.
  public var optimizer: AdamWConfiguration
  /// Decay of the averaged weights; 0 where the last weights are used.
  public var emaDecay: Float

  /// Settings with a warm-up and a cosine down to a twentieth.
  public init(
    steps: Int, batch: Int, learningRate: Float, optimizer: AdamWConfiguration, emaDecay: Float = 0,
    warmUpSteps: Int = 50
  ) {
    self.steps = steps
    self.batch = batch
    schedule = LearningRateSchedule(
      peak: learningRate, warmUpSteps: min(warmUpSteps, steps / 4), totalSteps: steps, shape: .cosine, floor: 0.05)
    self.optimizer = optimizer
    self.emaDecay = emaDecay
  }

  /// Decay of the averaged weights after a number of updates: shorter at first, where weights change fast.
  package func averagingDecay(afterUpdates count: Int) -> Float { min(emaDecay, Float(count) / Float(count + 9)) }
}

extension TrainingSettings: CheckedSettings {
  public func check() throws(SettingsError) {
    try Setting.atLeast(0, steps, "steps")
    try Setting.within(1...65536, batch, "batch")
    try Setting.atLeast(0, schedule.warmUpSteps, "warmUpSteps")
    try Setting.atLeast(0, schedule.totalSteps, "totalSteps")
    try Setting.within(0...1, emaDecay, "emaDecay")
  }
}
