import Artifacts
import DD2Generator
import DD2Teacher
import Datasets
import FIDEval
import Foundation
import NN
import Sampling
import TeacherModels
import TensorCore
import Training

/// A whole distillation: stage 1, the warm start if asked for, stage 2; or DD1's pairs and regression. Each part is a run
/// of its own below the folder (the last one is the folder itself), so that an interrupted pipeline continues where it
/// stopped.
public struct DistillationPipeline {
  private let configuration: DistillationConfiguration
  private let teacher: TeacherFile.Loaded
  private let scorer: FIDScorer?
  private let folder: String
  private let command: String
  private let interrupt: InterruptFlag
  private let observer: RunObserver

  /// Name of the finished generator in the run's folder.
  public static let generatorName = "generator.h5"
  /// Name of the generator that scored best during the run.
  public static let bestName = "best.h5"

  /// A pipeline in a folder.
  /// - Parameter scorer: measures FID at intervals; nil where there is nothing to measure against.
  public init(
    _ configuration: DistillationConfiguration, teacher: TeacherFile.Loaded, scorer: FIDScorer?, folder: String,
    command: String, interrupt: InterruptFlag, observer: @escaping RunObserver
  ) {
    self.configuration = configuration
    self.teacher = teacher
    self.scorer = scorer
    self.folder = folder
    self.command = command
    self.interrupt = interrupt
    self.observer = observer
  }

  /// Runs what is not done yet and writes `generator.h5`.
  /// - Returns: the path of the generator file.
  /// - Throws: `RunInterrupted`, `NonFiniteStep`, `ArtifactError`.
  public func callAsFunction(data: any ImageSource) throws -> String {
    let run = try open(folder, command: command)
    if let change = run.change { observer(.warning(change)) }
    switch configuration.method {
    case .dd2: return try distil(data, run)
    case .dd1: return try regress(run)
    }
  }

  /// Stage 1, warm start, stage 2.
  private func distil(_ data: any ImageSource, _ run: OpenRun) throws -> String {
    let stage1 = try trainStage1(data, command: run.command)
    let pairs = pairs(command: run.command)
    let warmStart = try startingGenerator(stage1, pairs: pairs, of: run)
    let stage2 = try Stage2Training(
      teacher: teacher.teacher, stage1: stage1, warmStart: warmStart, pairs: pairs,
      configuration: configuration, monitor: try monitor(of: run))
    let watch = HealthWatch(run.directory, observer: observer)
    try loop(run, observer: { watch($0) })(stage2)
    return try writeGenerator(stage2.averagedState, of: run)
  }

  /// DD1: pairs and nothing but their regression. Where the head holds the posterior, the generator starts as the
  /// teacher does, so that stage 1 has nothing to add.
  private func regress(_ run: OpenRun) throws -> String {
    let factory = StudentFactory(teacher: teacher.teacher, configuration)
    let stage = try PairRegression(
      name: configuration.method.rawValue, steps: configuration.steps, teacher: teacher.teacher,
      initial: try factory.scoreNetwork().parameters.stateDict(), pairs: pairs(command: run.command),
      configuration: configuration, monitor: try monitor(of: run))
    try loop(run)(stage)
    return try writeGenerator(stage.averagedState, of: run)
  }

  private func monitor(of run: OpenRun) throws -> DistillationMonitor {
    let best = try BestGenerator(path: run.directory.path + "/" + Self.bestName) { averaged, facts, path in
      try write(averaged, of: run, facts: facts, to: path)
    }
    return DistillationMonitor(
      teacher: teacher.teacher, scorer: scorer, configuration: configuration,
      progress: { done, total in
        // A score takes seconds, and a run has many.
        if done % 500 == 0 { observer(.step(stage: "fid", completed: done, total: total, metrics: [])) }
        if interrupt.isRaised { throw RunInterrupted(checkpoint: nil) }
      }, keepBest: best.offer)
  }

  private func trainStage1(_ data: any ImageSource, command: String) throws -> StateDict {
    let run = try open(folder + "/" + FinishedStage1.name, command: command)
    if let file = configuration.stage1File { try take(file, into: run.directory) }
    let tokens = TokenSource {
      let indices = configuration.trainingIndices(of: data.count)
      observer(.started(stage: "encoding", completed: 0, total: indices.count))
      return try TokenSet.encode(
        data, indices: indices, batch: teacher.teacher.imagesAtOnce,
        progress: { completed in
          observer(.step(stage: "encoding", completed: completed, total: indices.count, metrics: []))
          if interrupt.isRaised { throw RunInterrupted(checkpoint: nil) }
        }, encoder: { try teacher.teacher.encode(images_BhwC: $0) })
    }
    let stage = try Stage1Training(teacher: teacher.teacher, tokens: tokens, configuration: configuration)
    try loop(run)(stage)
    return stage.network.parameters.stateDict()
  }

  /// Copies another run's last checkpoint into the folder of this run's stage 1, which then has nothing left to do. From
  /// there on the run does not need the other.
  private func take(_ file: RecordedFile, into run: RunDirectory) throws {
    guard try run.latestCheckpoint() == nil else { return }
    try file.requireUnchanged()
    let path = run.checkpointPath(step: configuration.stage1Steps)
    try AtomicFile.copy(file.path, to: path)
    observer(.saved(path: path))
  }

  /// The pairs of the run, made when first asked for.
  private func pairs(command: String) -> TokenSource {
    TokenSource {
      try PairCollection(
        teacher: teacher.teacher, generator: { try configuration.pairsFile.map(read) }, configuration: configuration,
        run: open(folder + "/" + PairCollection.name, command: command), interrupt: interrupt, observer: observer)()
    }
  }

  /// The generator that stage 2 starts from; nil for the network of stage 1.
  private func startingGenerator(
    _ stage1: StateDict, pairs: TokenSource, of run: OpenRun
  ) throws -> StateDict? {
    guard let start = configuration.startFile else {
      return configuration.warmStart == .pairs ? try trainWarmStart(stage1, pairs: pairs, command: run.command) : nil
    }
    // A run that has a checkpoint goes on from there: the file may be gone by then.
    if try run.directory.latestCheckpoint() != nil { return nil }
    return try read(start).parameters.stateDict()
  }

  /// A generator of the same teacher, unchanged since the run began.
  private func read(_ file: RecordedFile) throws -> OneStepGenerator {
    try file.requireUnchanged()
    return try GeneratorFile.read(file.path, teacher: teacher).generator
  }

  private func trainWarmStart(_ stage1: StateDict, pairs: TokenSource, command: String) throws -> StateDict {
    let stage = try PairRegression(
      name: "warm-start", steps: configuration.warmStartSteps, teacher: teacher.teacher, initial: stage1,
      pairs: pairs, configuration: configuration, monitor: nil)
    let run = try open(folder + "/" + stage.name, command: command)
    try loop(run)(stage)
    _ = try writeGenerator(stage.averagedState, of: run)
    return stage.averagedState
  }

  private func writeGenerator(_ averaged: StateDict, of run: OpenRun) throws -> String {
    let path = run.directory.path + "/" + Self.generatorName
    try write(averaged, of: run, to: path)
    observer(.saved(path: path))
    return path
  }

  private func write(_ averaged: StateDict, of run: OpenRun, facts: [String: String] = [:], to path: String) throws {
    var settings = configuration
    // What only this copy of the images has.
    settings.images?.state = nil
    let metadata = [
      "command": run.command, "seed": String(configuration.seed), "training": try JSON.text(settings),
    ]
    try GeneratorFile.write(
      GeneratorDescription(
        head: configuration.head, adaptation: configuration.adaptation,
        teacher: teacher.path.pathName,
        teacherHash: teacher.hash, guidance: configuration.guidance,
        goesOn: configuration.method == .dd1 && configuration.givenRows > 0 ? true : nil),
      averaged: averaged, metadata: metadata.merging(facts) { $1 }, to: path)
  }

  private func open(_ path: String, command: String) throws -> OpenRun {
    let settings = DistillationRecord(settings: configuration, teacher: teacher.path, teacherHash: teacher.hash)
    return try OpenRun(path, settings: settings, command: command)
  }

  private func loop(_ run: OpenRun, observer: RunObserver? = nil) -> StageLoop {
    StageLoop(
      run, checkpointInterval: configuration.checkpointInterval, interrupt: interrupt,
      observer: observer ?? self.observer)
  }
}

/// The settings of a distillation with the teacher that it distils.
public struct DistillationRecord: Codable, Equatable, Sendable {
  /// The settings.
  public let settings: DistillationConfiguration
  /// The teacher's file.
  public let teacher: String
  /// SHA-256 of the teacher's file.
  public let teacherHash: String
}

extension DistillationRecord: CheckedSettings {
  public func check() throws(SettingsError) { try settings.check() }
}
