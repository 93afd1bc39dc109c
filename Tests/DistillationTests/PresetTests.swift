import Testing

@testable import Distillation

/// The settings that a run's result depends on most, as the documentation states them.
@Suite("Presets") struct PresetTests {
  private static func expected(_ preset: DistillationPreset) -> [String: String] {
    let usual = [
      "generator.parts": "1", "chain.parts": "0", "warm_start.steps": "1600", "stage2.first_score_updates": "10",
      "stage2.loss": "sid", "stage2.generator_learning_rate": "0.0001", "stage2.generator_constant_steps": "0",
      "stage2.score_learning_rate": "0.0004", "warm_start.learning_rate": "0.001", "stage2.regression_weight": "0",
      "batch": "24", "stage1.steps": "50", "average.ramp": "9", "generator.noise_gain": "0.7",
      "head.estimate": "posterior", "stage2.min_time": "0.3", "stage2.max_time": "0.98", "pairs.count": "16000",
    ]
    switch preset {
    case .shapes32VAR: return usual
    case .shapes32LlamaGen:
      return usual.merging([
        "chain.parts": "4", "chain.warm_start_steps": "600", "chain.steps": "80",
        "chain.score_learning_rate": "0.0004", "warm_start.steps": "3200", "stage2.first_score_updates": "20",
        "stage2.loss": "dmd", "stage2.generator_learning_rate": "0.0003", "stage2.generator_constant_steps": "20",
        "stage2.score_learning_rate": "2.5e-05", "stage2.regression_weight": "0.1", "average.ramp": "3",
      ]) { $1 }
    case .varD16, .varD20, .varD24, .llamaGenB, .llamaGenL:
      return usual.merging([
        "steps": "5000", "warm_start.steps": "20000", "stage2.first_score_updates": "20",
        "stage2.generator_learning_rate": "1e-05", "stage2.score_learning_rate": "4e-05",
        "warm_start.learning_rate": "0.0001", "batch": "64", "stage1.steps": "2000", "average.ramp": "3",
        "pairs.count": "100000", "head.width": "1024", "head.depth": "3",
      ]) { $1 }
    }
  }

  @Test(arguments: DistillationPreset.allCases) func theSettingsAreThoseOfTheTable(_ preset: DistillationPreset) {
    let found = Dictionary(uniqueKeysWithValues: preset.configuration.texts.map { ($0.path, $0.text) })
    for (path, text) in Self.expected(preset) { #expect(found[path] == text, "\(path)") }
  }

  /// What the chain of a run is distilled with: its own settings where it has some, else the run's.
  @Test func theChainHasItsOwnSettings() {
    var settings = DistillationPreset.shapes32LlamaGen.configuration
    settings.seed = 7
    #expect(
      settings.chain.differences(from: settings) == [
        "steps", "generator.parts", "chain.parts", "warm_start.steps", "stage2.score_learning_rate",
        "stage2.regression_weight", "fid.every",
      ])
    let chain = settings.chain
    #expect((chain.steps, chain.parts, chain.warmStartSteps) == (80, 4, 600))
    #expect(chain.scoreLearningRate == 4e-4 && chain.seed == 7 && !chain.usesChain)
  }
}
