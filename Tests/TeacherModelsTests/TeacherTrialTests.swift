import DD2Teacher
import NN
import TestSupport
import Testing
import Training

@testable import TeacherModels

@Suite("Trial of a training") struct TeacherTrialTests {
  @Test(arguments: TrainingSizes.tiny) func measuresEveryNetwork(_ sizes: TrainingSizes) throws {
    func counts<Family: TeacherFamily>(_ family: Family) -> [Int] {
      let tokenizer = family.makeTokenizer(seed: nil)
      return [
        PerceptualNetwork(classCount: 3, seed: 0).parameters.count, tokenizer.parameters.count,
        family.makeTransformer(over: tokenizer, seed: nil).parameters.count,
      ]
    }
    var settings = TeacherTrainingConfiguration.tiny(sizes)
    let trial = try TeacherTrial(settings)
    #expect(trial.parts.map(\.name) == ["perceptual", "tokenizer", "transformer"])
    #expect(trial.parts.map(\.parameters) == counts(settings.teacher.family))
    #expect(trial.parts.map(\.settings) == [settings.perceptual, settings.tokenizer, settings.transformer])
    #expect(trial.stages == trial.parts.map { PlannedStage(name: $0.name, steps: $0.settings.steps, cost: $0.seconds) })
    #expect(trial.parts.allSatisfy { $0.seconds > 0 })
    let file = RecordedFile(path: "x", hash: "")
    settings.tokens = TrainingTokens.Record(file: file, tokenizer: file, classes: nil)
    #expect(try TeacherTrial(settings).parts.map(\.name) == ["transformer"])
  }

  /// The run's first event, from which the time that is left follows.
  @Test func itsSecondsArePlanned() throws {
    try withTemporaryFolder { folder in
      let settings = TeacherTrainingConfiguration.tiny(TrainingSizes.tiny[1])
      let trial = try TeacherTrial(settings)
      var planned: [PlannedStage] = []
      _ = try TeacherPipeline(
        settings, folder: folder, command: "test", trial: trial, interrupt: InterruptFlag(),
        observer: { if case .planned(let stages) = $0 { planned = stages } }
      ).run(data: BarImages())
      #expect(planned == trial.stages)
    }
  }
}
