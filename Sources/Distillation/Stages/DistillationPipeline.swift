import Artifacts
import DD2Generator
import DD2Teacher
import Datasets
import FIDEval
import Foundation
import NN
import Processes
import Sampling
import TeacherModels
import TensorCore
import Training

/// A whole distillation: stage 1, where wanted a chain, pairs and a warm start, then stage 2; or DD1's pairs and
/// regression. Each stage is a run of its own below the folder (the last one is the folder itself), so that an interrupted
/// pipeline continues where it stopped.
public struct DistillationPipeline {
  private let record: DistillationRecord
  let teacher: TeacherFile.Loaded
  private let scorer: FIDScorer?
  private let folder: String
  private let command: String
  let interrupt: InterruptFlag
  private let time: TrainingTime
  let observer: RunObserver

  var configuration: DistillationConfiguration { record.settings }

  /// Name of the finished generator in the run's folder.
  public static let generatorName = "generator.h5"
  /// Name of the generator that scored best during the run.
  public static let bestName = "best.h5"

  /// A pipeline in a folder.
  /// - Parameters:
  ///   - scorer: measures FID at intervals; nil where there is nothing to measure against.
  ///   - time: of training before it.
  package init(
    _ record: DistillationRecord, teacher: TeacherFile.Loaded, scorer: FIDScorer?, folder: String,
    command: String, interrupt: InterruptFlag, time: TrainingTime = TrainingTime(), observer: @escaping RunObserver
  ) {
    self.record = record
    self.teacher = teacher
    self.scorer = scorer
    self.folder = folder
    self.command = command
    self.interrupt = interrupt
    self.time = time
    self.observer = observer
  }

  /// Runs what is not done yet and writes `generator.h5`.
  /// - Returns: the path of the generator file.
  /// - Throws: `RunInterrupted`, `NonFiniteStep`, `ArtifactError`.
  public func run(_ source: Stage1Source) throws -> String {
    let run = try open(folder, command: command)
    if let change = run.change { observer(.warning(change)) }
    observer(.planned(DistillationPlan(configuration, teacher: teacher.teacher).stages))
    switch configuration.method {
    case .dd2:
      let stage1 = try trainStage1(source, for: run)
      let chain = try trainChain(stage1, for: run)
      return try trainGenerator(consume stage1, chain: chain, in: run)
    case .dd1: return try regress(run)
    }
  }

  // MARK: Stages

  /// Whether the last stage has a checkpoint. It holds all that the stage goes on from: what the stages before have made
  /// may be gone by then, and is neither read nor made again.
  private func hasBegun(_ run: OpenRun) throws -> Bool {
    try ProcessGroup.current.fromFirst { try run.directory.latestCheckpoint() != nil }
  }

  /// - Returns: the network's weights, untrained ones where `run` takes its own from a checkpoint.
  private func trainStage1(_ source: Stage1Source, for run: OpenRun) throws -> StateDict {
    let tokens = stage1Tokens(source, command: run.command)
    let stage = try Stage1Training(teacher: teacher.teacher, tokens: tokens, configuration: configuration)
    if try !hasBegun(run) { try loop(try open(folder + "/" + stage.name, command: run.command)).run(stage) }
    return stage.network.parameters.stateDict()
  }

  /// Distils the chain whose pairs the generator learns.
  /// - Returns: its generator file; nil where the settings want no chain.
  private func trainChain(_ stage1: StateDict, for run: OpenRun) throws -> RecordedFile? {
    guard configuration.usesChain else { return nil }
    let pipeline = DistillationPipeline(
      record.chain, teacher: teacher, scorer: nil, folder: folder + "/chain", command: run.command,
      interrupt: interrupt, time: time, observer: { observer($0.inChain) })
    var path = pipeline.folder + "/" + Self.generatorName
    if try !hasBegun(run) {
      let chainRun = try pipeline.open(pipeline.folder, command: run.command)
      path = try pipeline.trainGenerator(stage1, chain: nil, in: chainRun)
    }
    return try ProcessGroup.current.fromFirst { try RecordedFile(at: path) }
  }

  /// What the chain calls a stage that the run itself has too.
  static func chainName(_ stage: String) -> String { stage == "distill" ? "chain" : "chain's " + stage }

  /// Pairs, warm start and stage 2, as far as the settings want them.
  /// - Parameter chain: draws the pairs' tokens, in place of the teacher's flow where nil.
  /// - Returns: the path of the generator file.
  private func trainGenerator(
    _ stage1: consuming StateDict, chain: RecordedFile?, in run: OpenRun
  ) throws -> String {
    let pairs = pairs(drawnBy: chain, command: run.command)
    let start = try startingGenerator(stage1, pairs: pairs, of: run)
    // Weights that both networks have copied by then are not kept through stage 2.
    let stage2 = try Stage2Training(
      teacher: teacher.teacher, stage1: consume stage1, start: consume start, pairs: pairs,
      configuration: configuration, monitor: try monitor(of: run))
    let watch = HealthWatch(run.directory, observer: observer)
    try loop(run, observer: { watch.receive($0) }).run(stage2)
    return try writeGenerator(stage2.averagedState, of: run)
  }

  /// The pairs of the run, made when first asked for.
  private func pairs(drawnBy chain: RecordedFile?, command: String) -> TokenSource {
    TokenSource {
      try TokenCollection.pairs(of: teacher, chain: chain, configuration).sequences(
        session(TokenCollection.pairsName, command: command))
    }
  }

  /// A collection's own run.
  func session(_ name: String, command: String) throws -> TokenCollection.Session {
    TokenCollection.Session(
      teacher: teacher.teacher, run: try open(folder + "/" + name, command: command), interrupt: interrupt, time: time,
      observer: observer)
  }

  /// The generator that stage 2 starts from; nil for the network of stage 1.
  private func startingGenerator(_ stage1: StateDict, pairs: TokenSource, of run: OpenRun) throws -> StateDict? {
    if try hasBegun(run) { return nil }
    guard let file = record.start else {
      return configuration.hasWarmStart ? try trainWarmStart(stage1, pairs: pairs, command: run.command) : nil
    }
    try file.requireUnchanged()
    return try GeneratorFile.read(file.path, teacher: teacher).generator.parameters.stateDict()
  }

  private func trainWarmStart(_ stage1: StateDict, pairs: TokenSource, command: String) throws -> StateDict {
    let stage = try PairRegression(
      name: "warm-start", steps: configuration.warmStartSteps, teacher: teacher.teacher, initial: stage1,
      pairs: pairs, configuration: configuration, monitor: nil)
    let run = try open(folder + "/" + stage.name, command: command)
    try loop(run).run(stage)
    _ = try writeGenerator(stage.averagedState, of: run)
    return stage.averagedState
  }

  /// DD1: pairs and nothing but their regression. Where the head holds the posterior, the generator starts as the
  /// teacher does, so that stage 1 has nothing to add.
  private func regress(_ run: OpenRun) throws -> String {
    let factory = StudentFactory(teacher: teacher.teacher, configuration)
    let stage = try PairRegression(
      name: configuration.method.rawValue, steps: configuration.steps, teacher: teacher.teacher,
      initial: try factory.scoreNetwork().parameters.stateDict(), pairs: pairs(drawnBy: nil, command: run.command),
      configuration: configuration, monitor: try monitor(of: run))
    try loop(run).run(stage)
    return try writeGenerator(stage.averagedState, of: run)
  }

  // MARK: Files

  private func monitor(of run: OpenRun) throws -> DistillationMonitor {
    let isFirst = ProcessGroup.current.isFirst
    let path = run.directory.path + "/" + Self.bestName
    let best = isFirst ? try BestGenerator(path: path) { try write($0, of: run, facts: $1, to: $2) } : nil
    var shown = 0
    return DistillationMonitor(
      teacher: teacher.teacher, classNames: teacher.classNames, scorer: scorer, configuration: configuration,
      progress: { done, total in
        // A score takes seconds, and a run has many.
        if done < shown { shown = 0 }
        if done - shown >= 500 {
          shown = done
          observer(.step(stage: "fid", completed: done, total: total, metrics: []))
        }
        if ProcessGroup.current.any(interrupt.isRaised) { throw RunInterrupted(checkpoint: nil) }
      }, keepBest: { try best?.offer($0, step: $1, fid: $2) })
  }

  private func writeGenerator(_ averaged: StateDict, of run: OpenRun) throws -> String {
    let path = run.directory.path + "/" + Self.generatorName
    guard ProcessGroup.current.isFirst else { return path }
    try write(averaged, of: run, to: path)
    observer(.saved(path: path))
    return path
  }

  private func write(_ averaged: StateDict, of run: OpenRun, facts: [String: String] = [:], to path: String) throws {
    let metadata = [
      "command": run.command, "seed": String(configuration.seed), "training": try JSON.text(record.portable),
    ]
    try GeneratorFile.write(
      GeneratorDescription(
        head: configuration.head, adaptation: configuration.adaptation,
        teacher: teacher.path.pathName,
        teacherHash: teacher.hash, guidance: configuration.guidance),
      averaged: averaged, metadata: metadata.merging(facts) { $1 }, to: path)
  }

  private func open(_ path: String, command: String) throws -> OpenRun {
    try OpenRun(path, settings: record, command: command)
  }

  private func loop(_ run: OpenRun, observer: RunObserver? = nil) -> StageLoop {
    StageLoop(
      run, checkpointInterval: configuration.checkpointInterval, interrupt: interrupt, time: time,
      observer: observer ?? self.observer)
  }
}

extension RunEvent {
  /// The event as one of the chain.
  fileprivate var inChain: RunEvent {
    switch self {
    case .started(let stage, let completed, let total):
      .started(stage: DistillationPipeline.chainName(stage), completed: completed, total: total)
    case .step(let stage, let completed, let total, let metrics):
      .step(stage: DistillationPipeline.chainName(stage), completed: completed, total: total, metrics: metrics)
    case .scored(let stage, let completed, let scores):
      .scored(stage: DistillationPipeline.chainName(stage), completed: completed, scores: scores)
    case .planned, .saved, .warning: self
    }
  }
}
