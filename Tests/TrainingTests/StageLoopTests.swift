import Artifacts
import Datasets
import Foundation
import NN
import TensorCore
import TestSupport
import Testing

@testable import Training

/// The lines of a run's log.
private func metrics(_ folder: String) throws -> [[String: Double]] {
  try MetricLog.read(folder + "/metrics.jsonl")
}

extension StepMetrics {
  fileprivate init(numbers: [(String, Float)]) { self.init(numbers.map { ($0.0, .number(Tensor($0.1))) }) }
}

/// The report of an update by NaN.
private func badUpdate(of path: String) -> UpdateReport {
  let set = ParameterSet()
  _ = ParameterBuilder(set, seed: 0).parameter(path, [2], .ones)
  return AdamW(set, AdamWConfiguration()).update([Tensor([0, .nan], [2])], learningRate: 0.1)
}

/// A stage whose step fails as the test wants.
private final class FailingStage: TrainingStage {
  let name = "failing"
  let totalSteps = 3
  let fail: @Sendable (Int) throws -> StepMetrics

  init(fail: @escaping @Sendable (Int) throws -> StepMetrics) { self.fail = fail }

  func step(_ index: Int) throws -> StepMetrics { try fail(index) }
  func state() -> StageState {
    StageState(parameters: StateDict(), ema: StateDict(), optimizer: StateDict(), progress: [:])
  }
  func restore(_ state: StageState) throws {}
}

@Suite("Steps that are not finite") struct NonFiniteStepTests {
  @Test(arguments: [true, false])
  func stopTheRunWithStepAndName(_ inGradient: Bool) throws {
    try withTemporaryFolder { folder in
      let run = try OpenRun(folder + "/run", settings: 1, command: "test")
      let loop = StageLoop(run, checkpointInterval: 1, interrupt: InterruptFlag(), observer: { _ in })
      let stage = FailingStage { index in
        guard index == 1 else { return StepMetrics(numbers: [("loss", 1)]) }
        return inGradient
          ? StepMetrics([("loss", .number(Tensor(1)))], updates: [badUpdate(of: "head.output.weight")])
          : StepMetrics(numbers: [("loss", .nan)])
      }
      do {
        try loop.run(stage)
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

@Suite("Images that are lost meanwhile") struct LostImageTests {
  /// The steps since the last checkpoint are not.
  @Test func stopTheRunAfterACheckpoint() throws {
    try withTemporaryFolder { folder in
      let run = try OpenRun(folder + "/run", settings: 1, command: "test")
      let loop = StageLoop(run, checkpointInterval: 100, interrupt: InterruptFlag(), observer: { _ in })
      let lost = DatasetError.unreadable(.missingFile(path: "images/7.png"))
      #expect(throws: lost) {
        try loop.run(FailingStage { if $0 == 2 { throw lost } else { return StepMetrics(numbers: [("loss", 1)]) } })
      }
      #expect(try run.directory.latestCheckpoint()?.step == 2)
      #expect(throws: lost) { try loop.run(FailingStage { _ in throw lost }) }
      #expect(try run.directory.checkpointSteps() == [2] && metrics(folder + "/run").count == 2)
      try loop.run(FailingStage { _ in StepMetrics(numbers: [("loss", 1)]) })
      #expect(try run.directory.latestCheckpoint()?.step == 3)
    }
  }
}

@Suite("Runs that begin again") struct BeginningTests {
  /// Stopped before its first checkpoint, a run has nothing to continue from.
  @Test func aRunWithoutACheckpointLogsItsBeginningOnce() throws {
    final class Stage: TrainingStage {
      let (name, totalSteps) = ("brittle", 2)
      var fails = true
      func step(_ index: Int) throws -> StepMetrics { StepMetrics(numbers: [("loss", fails ? .nan : 1)]) }
      func evaluate(completed: Int) -> StageEvaluation { StageEvaluation(scores: [("fid", 9)]) }
      func state() -> StageState { StageState(parameters: StateDict(), optimizer: StateDict(), progress: [:]) }
      func restore(_ state: StageState) {}
    }
    try withTemporaryFolder { folder in
      let stage = Stage()
      let run = try OpenRun(folder + "/run", settings: 1, command: "test")
      let loop = StageLoop(run, checkpointInterval: 2, interrupt: InterruptFlag(), observer: { _ in })
      #expect(throws: NonFiniteStep.self) { try loop.run(stage) }
      stage.fails = false
      try loop.run(stage)
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

@Suite("Runs whose files are damaged") struct DamagedRunTests {
  /// Counts its steps, and remembers them in its state.
  private final class Stage: TrainingStage {
    let (name, totalSteps) = ("counting", 4)
    var made: [Int] = []
    func step(_ index: Int) -> StepMetrics {
      made.append(index)
      return StepMetrics(numbers: [("loss", Float(index))])
    }
    func state() -> StageState {
      StageState(parameters: StateDict(), optimizer: StateDict(), progress: ["n": made.count])
    }
    func restore(_ state: StageState) throws { made = Array(0..<(try state.counter("n"))) }
  }

  private func run(_ folder: String) throws -> (made: [Int], warnings: [String]) {
    let stage = Stage()
    var warnings: [String] = []
    let run = try OpenRun(folder, settings: 1, command: "test")
    try StageLoop(run, checkpointInterval: 1, interrupt: InterruptFlag()) { event in
      if case .warning(let text) = event { warnings.append(text) }
    }.run(stage)
    return (stage.made, warnings)
  }

  /// Cut short, emptied, and of other bytes: the one before serves, and the damaged one is out of the way.
  @Test(arguments: [100, 0, -1]) func theLastSoundCheckpointServes(_ bytes: Int) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/run"
      #expect(try run(path).made.count == 4)
      let last = try RunDirectory.open(path).checkpointPath(step: 4)
      let whole = try Data(contentsOf: URL(fileURLWithPath: last))
      let damaged = bytes < 0 ? Data(whole.map { $0 ^ 0xFF }) : whole.prefix(bytes)
      try damaged.write(to: URL(fileURLWithPath: last))
      let (made, warnings) = try run(path)
      #expect(made == [0, 1, 2, 3])
      #expect(warnings.count == 1 && warnings[0].contains("step-00000004.h5: damaged"), "\(warnings)")
      #expect(warnings.first?.contains("going on from step 3") == true)
      #expect(try Data(contentsOf: URL(fileURLWithPath: last)) == whole)
      #expect(try Data(contentsOf: URL(fileURLWithPath: last + ".damaged")) == damaged)
      #expect(try metrics(path).map { $0["step"] } == [1, 2, 3, 4])
    }
  }

  /// Checkpoints may lie elsewhere, behind links, and be gone from there.
  @Test func aLinkThatLeadsNowhereIsSteppedOver() throws {
    try withTemporaryFolder { folder in
      _ = try run(folder + "/run")
      let last = try RunDirectory.open(folder + "/run").checkpointPath(step: 4)
      try FileManager.default.removeItem(atPath: last)
      try FileManager.default.createSymbolicLink(atPath: last, withDestinationPath: "nowhere.h5")
      let (made, warnings) = try run(folder + "/run")
      #expect(
        made == [0, 1, 2, 3] && warnings.count == 1 && warnings[0].contains("going on from step 3"), "\(warnings)")
    }
  }

  /// What was done before and is gone is said.
  @Test func aRunWithoutCheckpointsSaysThatItBeginsAnew() throws {
    try withTemporaryFolder { folder in
      #expect(try run(folder + "/run").warnings.isEmpty)
      try FileManager.default.removeItem(atPath: folder + "/run/checkpoints")
      let (made, warnings) = try run(folder + "/run")
      #expect(made == [0, 1, 2, 3] && warnings.count == 1 && warnings[0].contains("begins anew"), "\(warnings)")
    }
  }

  @Test func withoutASoundOneItIsSaidWhatToRemove() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/run"
      _ = try run(path)
      let directory = try RunDirectory.open(path)
      for step in try directory.checkpointSteps() {
        try Data("x".utf8).write(to: URL(fileURLWithPath: directory.checkpointPath(step: step)))
      }
      let error = #expect(throws: ArtifactError.self) { try run(path) }
      #expect(error?.description.hasPrefix(directory.checkpointsPath + ": no checkpoint") == true)
      // Nothing was moved or removed.
      #expect(try directory.checkpointSteps() == [3, 4])
    }
  }

  /// A checkpoint of something else is no damage: an older one would not do either.
  @Test func anotherKindIsRefused() throws {
    try withTemporaryFolder { folder in
      _ = try run(folder + "/run")
      let path = try RunDirectory.open(folder + "/run").checkpointPath(step: 4)
      try Checkpoint(kind: "other-training", config: "{}", createdBy: "test").write(to: path)
      let error = #expect(throws: ArtifactError.self) { try run(folder + "/run") }
      #expect(error?.description.contains("kind") == true)
    }
  }
}

@Suite("Starts of a run") struct RunStartTests {
  /// Each start is kept, and what is not as before is said in one line.
  @Test func areRecordedAndCompared() throws {
    try withTemporaryFolder { folder in
      #expect(try OpenRun(folder + "/run", settings: 1, command: "first").change == nil)
      #expect(try OpenRun(folder + "/run", settings: 1, command: "second").change == nil)
      let path = folder + "/run/starts.jsonl"
      let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      let starts = try lines.map { try JSONDecoder().decode(RunStart.self, from: Data($0.utf8)) }
      #expect(starts.map(\.command) == ["first", "second"])
      #expect(starts.allSatisfy { $0.backend == Backends.current.summary && $0.createdBy == DD2Version.description })
      let threads = try #require(Backends.current.summary.split(separator: ", ").dropFirst().first)
      try lines.joined(separator: "\n").replacing(threads, with: "77 threads").appending("\n")
        .write(toFile: path, atomically: true, encoding: .utf8)
      let change = try #require(try OpenRun(folder + "/run", settings: 1, command: "third").change)
      #expect(change.hasPrefix("the run goes on with \(threads) where it had 77 threads: "), "\(change)")
      #expect(try OpenRun(folder + "/run", settings: 1, command: "fourth").change == nil)
    }
  }

  /// Runs of earlier versions have nothing but `config.json`.
  @Test func areComparedWithTheBeginningOfOlderRuns() throws {
    try withTemporaryFolder { folder in
      let run = try OpenRun(folder + "/run", settings: 1, command: "first").directory
      try FileManager.default.removeItem(atPath: run.startsPath)
      let config = try String(contentsOfFile: run.configPath, encoding: .utf8)
      try config.replacing("OpenBLAS ", with: "OpenBLAS Old").write(
        toFile: run.configPath, atomically: true, encoding: .utf8)
      let change = try OpenRun(folder + "/run", settings: 1, command: "second").change
      #expect(change?.contains("OpenBLAS Old") == true, "\(change ?? "")")
    }
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

    func step(_ index: Int) -> StepMetrics {
      made += 1
      return StepMetrics(numbers: [("loss", Float(index))])
    }
    func evaluate(completed: Int) throws -> StageEvaluation {
      guard completed == stopsAfter else { return StageEvaluation(scores: [("fid", Double(completed))]) }
      flag.raise()
      throw RunInterrupted(checkpoint: nil)
    }
    func state() -> StageState { StageState(parameters: StateDict(), optimizer: StateDict(), progress: [:]) }
    func restore(_ state: StageState) {}
  }

  /// The step is kept, and scored first when the run goes on; the last step's too, and once.
  @Test(arguments: [0, 2, 3]) func keepTheStepBefore(_ steps: Int) throws {
    try withTemporaryFolder { folder in
      let flag = InterruptFlag()
      let stage = Stage(flag, stopsAfter: steps)
      let run = try OpenRun(folder + "/run", settings: 1, command: "test")
      let error = #expect(throws: RunInterrupted.self) {
        try StageLoop(run, checkpointInterval: 50, interrupt: flag, observer: { _ in }).run(stage)
      }
      #expect((error?.checkpoint == nil) == (steps == 0))
      #expect(stage.made == steps)
      stage.stopsAfter = nil
      for _ in 0..<2 {
        try StageLoop(run, checkpointInterval: 50, interrupt: InterruptFlag(), observer: { _ in }).run(stage)
      }
      #expect(stage.made == 3)
      let records = try metrics(folder + "/run")
      let twice = steps == 0 ? [] : [Double(steps)]
      #expect(records.map { $0["step"] } == ([0, 1, 2, 3] + twice).sorted())
      #expect(records.compactMap { $0["fid"] } == [0, 1, 2, 3])
      #expect(records.compactMap { $0["loss"] } == [0, 1, 2])
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
      func step(_ index: Int) -> StepMetrics { StepMetrics(numbers: [("prepared", Float(prepared))]) }
      func state() -> StageState { StageState(parameters: StateDict(), optimizer: StateDict(), progress: [:]) }
      func restore(_ state: StageState) {}
    }
    try withTemporaryFolder { folder in
      let stage = Stage()
      for _ in 0..<2 {
        let run = try OpenRun(folder + "/run", settings: 1, command: "test")
        try StageLoop(run, checkpointInterval: 1, interrupt: InterruptFlag(), observer: { _ in }).run(stage)
      }
      let line = try #require(try MetricLog.read(folder + "/run/metrics.jsonl").first)
      #expect(line["prepared"] == 1 && stage.prepared == 1)
      #expect(try #require(line["seconds"]) < 0.2)
    }
  }
}
