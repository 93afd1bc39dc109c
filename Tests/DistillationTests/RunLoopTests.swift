import Artifacts
import Foundation
import NN
import Testing

@testable import Distillation

/// A stage whose step fails as told.
private final class FailingStage: TrainingStage {
  let name = "failing"
  let totalSteps = 3
  let fail: @Sendable (Int) throws -> [(String, Double)]

  init(fail: @escaping @Sendable (Int) throws -> [(String, Double)]) { self.fail = fail }

  func step(_ index: Int) throws -> [(String, Double)] { try fail(index) }
  func state() -> StageState {
    StageState(parameters: StateDict(), ema: StateDict(), optimizer: StateDict(), progress: [:])
  }
  func restore(_ state: StageState) throws {}
}

@Suite("Steps that are not finite") struct NonFiniteStepTests {
  @Test(arguments: [true, false])
  func stopTheRunWithStepAndName(_ inGradient: Bool) throws {
    try withTemporaryFolder { folder in
      let run = try OpenRun(folder + "/run", settings: tinySettings(steps: 3), command: "test")
      let loop = RunLoop(run, checkpointInterval: 1, interrupt: InterruptFlag(), observer: { _ in })
      let stage = FailingStage { index in
        guard index == 1 else { return [("loss", 1)] }
        if inGradient { throw OptimizerError.nonFiniteGradient(path: "head.output.weight") }
        return [("loss", .nan)]
      }
      do {
        try loop(stage)
        Issue.record("the run went on")
      } catch let error as NonFiniteStep {
        #expect(error.step == 2)
        #expect(error.quantity == (inGradient ? "the gradient of head.output.weight" : "loss"))
      }
      // The step before it is safe.
      #expect(try run.directory.latestCheckpoint()?.step == 1)
      #expect(try metrics(folder + "/run").count == 1)
    }
  }
}

@Suite("Runs that begin again") struct BeginningTests {
  /// Stopped before its first checkpoint, a run has nothing to continue from.
  @Test func aRunWithoutACheckpointLogsItsBeginningOnce() throws {
    final class Stage: TrainingStage {
      let (name, totalSteps) = ("brittle", 2)
      var fails = true
      func step(_ index: Int) throws -> [(String, Double)] { [("loss", fails ? .nan : 1)] }
      func evaluate(completed: Int, in run: RunFolder) -> [(String, Double)] { [("fid", 9)] }
      func state() -> StageState { StageState(parameters: StateDict(), optimizer: StateDict(), progress: [:]) }
      func restore(_ state: StageState) {}
    }
    try withTemporaryFolder { folder in
      let stage = Stage()
      let run = try OpenRun(folder + "/run", settings: 1, command: "test")
      let loop = RunLoop(run, checkpointInterval: 2, interrupt: InterruptFlag(), observer: { _ in })
      #expect(throws: NonFiniteStep.self) { try loop(stage) }
      stage.fails = false
      try loop(stage)
      #expect(try metrics(folder + "/run").map { $0["step"] } == [0, 1, 2])
    }
  }

  /// Adam's bias correction and the warm-up depend on it.
  @Test func aMissingCounterIsAnError() throws {
    let state = StageState(parameters: StateDict(), optimizer: StateDict(), progress: ["updates": 3])
    #expect(try state.counter("updates") == 3)
    #expect(throws: StateDictError.self) { try state.counter("score_updates") }
  }
}

@Suite("Runs interrupted while they are measured") struct InterruptedEvaluationTests {
  /// Stops in the evaluation after a number of steps.
  private final class Stage: TrainingStage {
    let (name, totalSteps) = ("measured", 3)
    let flag: InterruptFlag
    var stopsAfter: Int?
    var made = 0

    init(_ flag: InterruptFlag, stopsAfter: Int) { (self.flag, self.stopsAfter) = (flag, stopsAfter) }

    func step(_ index: Int) -> [(String, Double)] {
      made += 1
      return [("loss", Double(index))]
    }
    func evaluate(completed: Int, in run: RunFolder) throws -> [(String, Double)] {
      guard completed == stopsAfter else { return [("fid", 5)] }
      flag.raise()
      throw RunInterrupted(checkpoint: nil)
    }
    func state() -> StageState { StageState(parameters: StateDict(), optimizer: StateDict(), progress: [:]) }
    func restore(_ state: StageState) {}
  }

  @Test(arguments: [0, 2]) func keepTheStepBefore(_ steps: Int) throws {
    try withTemporaryFolder { folder in
      let flag = InterruptFlag()
      let stage = Stage(flag, stopsAfter: steps)
      let run = try OpenRun(folder + "/run", settings: 1, command: "test")
      let error = #expect(throws: RunInterrupted.self) {
        try RunLoop(run, checkpointInterval: 50, interrupt: flag, observer: { _ in })(stage)
      }
      #expect((error?.checkpoint == nil) == (steps == 0))
      #expect(stage.made == steps)
      stage.stopsAfter = nil
      try RunLoop(run, checkpointInterval: 50, interrupt: InterruptFlag(), observer: { _ in })(stage)
      #expect(stage.made == 3)
      #expect(try metrics(folder + "/run").map { $0["step"] } == [0, 1, 2, 3])
    }
  }
}

@Suite("Time in a run's log") struct RunTimeTests {
  /// Making pairs has a log of its own: the regression must not count that time again.
  @Test func theTimeOfPreparationIsNotTrainingTime() throws {
    final class Stage: TrainingStage {
      let (name, totalSteps) = ("slow", 1)
      var prepared = 0
      func prepare() {
        prepared += 1
        Thread.sleep(forTimeInterval: 0.2)
      }
      func step(_ index: Int) -> [(String, Double)] { [("prepared", Double(prepared))] }
      func state() -> StageState { StageState(parameters: StateDict(), optimizer: StateDict(), progress: [:]) }
      func restore(_ state: StageState) {}
    }
    try withTemporaryFolder { folder in
      let stage = Stage()
      for _ in 0..<2 {
        let run = try OpenRun(folder + "/run", settings: 1, command: "test")
        try RunLoop(run, checkpointInterval: 1, interrupt: InterruptFlag(), observer: { _ in })(stage)
      }
      let line = try #require(try MetricLog.read(folder + "/run/metrics.jsonl").first)
      #expect(line["prepared"] == 1 && stage.prepared == 1)
      #expect(try #require(line["seconds"]) < 0.2)
    }
  }
}

@Suite("Watched runs") struct HealthWatchTests {
  @Test func readsTheLogOfTheRunAndPassesEventsOn() throws {
    try withTemporaryFolder { folder in
      let run = try OpenRun(folder + "/run", settings: tinySettings(steps: 3), command: "test").directory
      let log = try MetricLog(appendingTo: run.metricsPath)
      try log.append(step: 0, values: [("fid", 10)])
      var lines: [String] = []
      var steps = 0
      let watch = HealthWatch(run) { event in
        if case .warning(let line) = event { lines.append(line) }
        if case .step = event { steps += 1 }
      }
      watch(.step(stage: "distill", completed: 50, total: 60, metrics: [("fid", 11)]))
      #expect(steps == 1)
      #expect(lines.count == 1 && lines[0].contains("worse than 10.0"))
    }
  }
}
