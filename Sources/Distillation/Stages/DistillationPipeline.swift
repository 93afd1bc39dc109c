import Artifacts
import DD2Teacher
import Datasets
import Foundation
import NN
import TensorCore

/// A whole distillation: stage 1, the warm start if asked for, stage 2. Each part is a run of its own below the folder
/// (stage 2 is the folder itself), so that an interrupted pipeline continues where it stopped.
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
  /// - Throws: `RunInterrupted`, `NonFiniteLoss`, `OptimizerError`, `ArtifactError`.
  public func callAsFunction(data: any ImageSource) throws -> String {
    let run = try openOrCreate(folder)
    let stage1 = try trainStage1(data)
    let warmStart = configuration.warmStart == .pairs ? try trainWarmStart(stage1) : nil
    let monitor = DistillationMonitor(
      teacher: teacher.teacher, scorer: scorer, configuration: configuration)
    let stage2 = try Stage2Training(
      teacher: teacher.teacher, stage1: stage1, warmStart: warmStart, configuration: configuration, monitor: monitor)
    try loop(run)(stage2)
    return try writeGenerator(stage2.averagedState, to: folder)
  }

  private func trainStage1(_ data: any ImageSource) throws -> StateDict {
    let path = folder + "/stage1"
    let tokens = TokenSource {
      let count = min(configuration.trainingImages, data.count)
      observer(.started(stage: "encoding", completed: 0, total: count))
      return try TokenSet.encode(
        data, limit: count,
        progress: { observer(.step(stage: "encoding", completed: $0, total: count, metrics: [])) },
        encoder: { teacher.teacher.encode(images_BhwC: $0) })
    }
    let stage = try Stage1Training(teacher: teacher.teacher, tokens: tokens, configuration: configuration)
    try loop(openOrCreate(path))(stage)
    return stage.network.parameters.stateDict()
  }

  private func trainWarmStart(_ stage1: StateDict) throws -> StateDict {
    let path = folder + "/warm-start"
    let pairs = TokenSource {
      observer(.started(stage: "pairs", completed: 0, total: configuration.pairs))
      return try TokenPairs.collect(
        teacher: teacher.teacher, guidance: configuration.guidance, count: configuration.pairs,
        steps: configuration.pairIntegrationSteps, batch: 100, seed: configuration.seed
      ) { done in
        observer(.step(stage: "pairs", completed: done, total: configuration.pairs, metrics: []))
        if interrupt.isRaised { throw RunInterrupted(checkpoint: folder + "/stage1") }
      }
    }
    let stage = try PairRegression(
      teacher: teacher.teacher, stage1: stage1, pairs: pairs, configuration: configuration)
    try loop(openOrCreate(path))(stage)
    let state = stage.generator.parameters.stateDict()
    _ = try writeGenerator(state, to: path)
    return state
  }

  private func writeGenerator(_ averaged: StateDict, to folder: String) throws -> String {
    let path = folder + "/" + Self.generatorName
    try GeneratorFile.write(
      GeneratorDescription(
        head: configuration.head, teacher: URL(fileURLWithPath: teacher.path).lastPathComponent,
        teacherHash: teacher.hash, guidance: configuration.guidance),
      averaged: averaged,
      metadata: [
        "command": command, "seed": String(configuration.seed), "training": try JSON.text(configuration),
      ], to: path)
    observer(.saved(path: path))
    return path
  }

  private func openOrCreate(_ path: String) throws -> RunDirectory {
    guard FileManager.default.fileExists(atPath: path + "/config.json") else {
      return try RunDirectory.create(path, config: RunRecord(configuration, teacher: teacher))
    }
    let run = try RunDirectory.open(path)
    // The step count may grow from one call to the next; the rest of the record is rewritten as resolved now.
    try run.writeConfig(RunRecord(configuration, teacher: teacher))
    return run
  }

  private func loop(_ run: RunDirectory) -> RunLoop {
    RunLoop(
      run: run, checkpointInterval: configuration.checkpointInterval, command: command, interrupt: interrupt,
      observer: observer)
  }
}

/// What a run's `config.json` holds: the settings, fully resolved, and what they ran on.
public struct RunRecord: Codable, Sendable {
  /// The settings.
  public let settings: DistillationConfiguration
  /// The teacher's file and its hash.
  public let teacher: String
  /// SHA-256 of the teacher's file.
  public let teacherHash: String
  /// The program.
  public let createdBy: String
  /// Device, threads and BLAS core type.
  public let backend: String

  init(_ settings: DistillationConfiguration, teacher: TeacherFile.Loaded) {
    self.settings = settings
    self.teacher = teacher.path
    teacherHash = teacher.hash
    createdBy = DD2Version.description
    backend = Backends.current.summary
  }
}
