import DD2Teacher
import TeacherModels

/// Named settings to begin a distillation with.
public enum DistillationPreset: String, CaseIterable, Sendable {
  /// The bundled VAR: the generator learns the pairs of its teacher's flow, then stage 2.
  case shapes32VAR = "shapes32-var"
  /// The bundled LlamaGen: the generator learns the pairs that a chain of four draws, then stage 2.
  case shapes32LlamaGen = "shapes32-llamagen"
  case varD16 = "var-d16"
  case varD20 = "var-d20"
  case varD24 = "var-d24"
  case llamaGenB = "llamagen-b"
  case llamaGenL = "llamagen-l"

  /// Whether the settings were tried. Those for the published models are scaled from shapes32's: one run takes more
  /// than this project's machines, and its weights cannot be had there.
  public var isTested: Bool { bundledTeacher != nil }

  /// The settings for a teacher where none are named: those of the bundled teacher of its family.
  public static func usual(for teacher: TeacherConfiguration) -> DistillationPreset {
    switch teacher {
    case .nextScale: .shapes32VAR
    case .nextToken: .shapes32LlamaGen
    }
  }

  /// The name of the bundled teacher that it is for.
  public var bundledTeacher: String? {
    switch self {
    case .shapes32VAR, .shapes32LlamaGen: rawValue
    case .varD16, .varD20, .varD24, .llamaGenB, .llamaGenL: nil
    }
  }

  /// The settings.
  public var configuration: DistillationConfiguration {
    var settings = DistillationConfiguration()
    switch self {
    case .shapes32VAR: break
    case .shapes32LlamaGen:
      // Its 64 choices upon one another: one network learns what a chain makes of a noise better than what the teacher's
      // flow does, and wants a score network that has caught up with it.
      settings.chainParts = 4
      settings.warmStartSteps = 3200
      settings.loss = .dmd
      settings.generatorLearningRate = 3e-4
      settings.generatorConstantSteps = 20
      settings.firstScoreUpdates = 20
      // A slow score network leads there in fewer updates, and with a guided teacher much closer (docs/results.md), but
      // only with the regression beside it: without, the generator runs away from it.
      settings.scoreLearningRate = 2.5e-5
      settings.regressionWeight = 0.1
      settings.emaRamp = 3
    case .varD16, .varD20, .varD24, .llamaGenB, .llamaGenL:
      settings.steps = 5000
      settings.batch = 64
      settings.microBatch = 32
      settings.recomputes = true
      settings.trainingImages = 100_000
      settings.stage1Steps = 2000
      settings.stage1LearningRate = 1e-4
      settings.pairs = 100_000
      settings.warmStartSteps = 20_000
      settings.regressionLearningRate = 1e-4
      settings.generatorLearningRate = 1e-5
      settings.scoreLearningRate = 4e-5
      settings.firstRounds = 50
      settings.firstScoreUpdates = 20
      settings.headWidth = 1024
      settings.headDepth = 3
      settings.emaDecay = 0.999
      settings.emaRamp = 3
      settings.snapshotInterval = 500
      settings.checkpointInterval = 500
    }
    return settings
  }
}
