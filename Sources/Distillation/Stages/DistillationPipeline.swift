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
    let run = try open(folder, command: command)
    let stage1 = try trainStage1(data, command: run.command)
    let warmStart =
      configuration.warmStart == .pairs ? try trainWarmStart(stage1, command: run.command) : nil
    let monitor = DistillationMonitor(
      teacher: teacher.teacher, scorer: scorer, configuration: configuration)
    let stage2 = try Stage2Training(
      teacher: teacher.teacher, stage1: stage1, warmStart: warmStart, configuration: configuration, monitor: monitor)
    try loop(run)(stage2)
    return try writeGenerator(stage2.averagedState, of: run)
  }

  private func trainStage1(_ data: any ImageSource, command: String) throws -> StateDict {
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
    try loop(open(path, command: command))(stage)
    return stage.network.parameters.stateDict()
  }

  private func trainWarmStart(_ stage1: StateDict, command: String) throws -> StateDict {
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
    let run = try open(path, command: command)
    try loop(run)(stage)
    let state = stage.generator.parameters.stateDict()
    _ = try writeGenerator(state, of: run)
    return state
  }

  private func writeGenerator(_ averaged: StateDict, of run: OpenRun) throws -> String {
    let path = run.directory.path + "/" + Self.generatorName
    try GeneratorFile.write(
      GeneratorDescription(
        head: configuration.head, teacher: URL(fileURLWithPath: teacher.path).lastPathComponent,
        teacherHash: teacher.hash, guidance: configuration.guidance),
      averaged: averaged,
      metadata: [
        "command": run.command, "seed": String(configuration.seed), "training": try JSON.text(configuration),
      ], to: path)
    observer(.saved(path: path))
    return path
  }

  private func open(_ path: String, command: String) throws -> OpenRun {
    let settings = DistillationRecord(settings: configuration, teacher: teacher.path, teacherHash: teacher.hash)
    return try OpenRun(path, settings: settings, command: command)
  }

  private func loop(_ run: OpenRun) -> RunLoop {
    RunLoop(run, checkpointInterval: configuration.checkpointInterval, interrupt: interrupt, observer: observer)
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
