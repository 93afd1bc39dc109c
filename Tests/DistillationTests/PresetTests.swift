import Backbone
import DD2Generator
import Testing

@testable import Distillation

/// The settings that a run's result depends on most, as the documentation states them.
private struct PresetRow: Equatable {
  var parts: Int
  var warmStart: WarmStart
  var warmStartSteps: Int
  var firstScoreUpdates: Int
  var loss: DistillationLoss
  var generatorRate: Float
  var generatorHold: Int
  var scoreRate: Float
  var regressionRate: Float
  var regressionWeight: Float
  var batch: Int
  var stage1Steps: Int
  var emaRamp: Float

  init(_ settings: DistillationConfiguration) {
    parts = settings.adaptation.parts
    warmStart = settings.warmStart
    warmStartSteps = settings.warmStartSteps
    firstScoreUpdates = settings.firstScoreUpdates
    loss = settings.loss
    generatorRate = settings.generatorLearningRate
    generatorHold = settings.generatorHold
    scoreRate = settings.scoreLearningRate
    regressionRate = settings.regressionLearningRate
    regressionWeight = settings.regressionWeight
    batch = settings.batch
    stage1Steps = settings.stage1Steps
    emaRamp = settings.emaRamp
  }

  init(
    _ parts: Int, _ warmStart: WarmStart, _ warmStartSteps: Int, _ firstScoreUpdates: Int, _ loss: DistillationLoss,
    _ generatorRate: Float, hold generatorHold: Int = 0, score scoreRate: Float = 4e-4,
    regression regressionRate: Float = 1e-3, weight regressionWeight: Float = 0, batch: Int = 24, stage1: Int = 50,
    ramp emaRamp: Float = 3
  ) {
    self.parts = parts
    self.warmStart = warmStart
    self.warmStartSteps = warmStartSteps
    self.firstScoreUpdates = firstScoreUpdates
    self.loss = loss
    self.generatorRate = generatorRate
    self.generatorHold = generatorHold
    self.scoreRate = scoreRate
    self.regressionRate = regressionRate
    self.regressionWeight = regressionWeight
    self.batch = batch
    stage1Steps = stage1
    self.emaRamp = emaRamp
  }
}

@Suite("Presets") struct PresetTests {
  private static func expected(_ preset: DistillationPreset) -> PresetRow {
    switch preset {
    case .shapes32VAR: PresetRow(3, .none, 1600, 10, .sid, 1e-4)
    case .shapes32VAROne: PresetRow(1, .pairs, 1600, 10, .sid, 1e-4, ramp: 9)
    case .shapes32LlamaGen: PresetRow(4, .pairs, 600, 20, .dmd, 3e-4, hold: 20)
    case .shapes32LlamaGenOne:
      PresetRow(1, .pairs, 3200, 20, .dmd, 3e-4, hold: 20, score: 2.5e-5, weight: 0.1)
    case .varD16, .varD20, .varD24, .llamaGenB, .llamaGenL:
      PresetRow(
        1, .pairs, 20_000, 20, .sid, 1e-5, score: 4e-5, regression: 1e-4, batch: 64, stage1: 2000)
    }
  }

  @Test(arguments: DistillationPreset.allCases) func theSettingsAreThoseOfTheTable(_ preset: DistillationPreset) {
    let settings = preset.configuration(steps: 7)
    #expect(settings.steps == 7)
    #expect(PresetRow(settings) == Self.expected(preset))
    #expect(settings.adaptation.noiseGain == 0.7 && settings.adaptation.readsOwnNoise)
    #expect(settings.head.estimate == .posterior && settings.timeRange == 0.3...0.98)
  }

  @Test func thePresetsOfOneNetworkBelongToTheChainsTeachers() {
    #expect(DistillationPreset.shapes32VAROne.bundledTeacher == "shapes32-var")
    #expect(DistillationPreset.shapes32LlamaGenOne.bundledTeacher == "shapes32-llamagen")
    for preset in DistillationPreset.allCases where !preset.isTested { #expect(preset.bundledTeacher == nil) }
  }
}
