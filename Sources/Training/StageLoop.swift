import Artifacts
import Datasets
import Foundation
import NN
import Processes
import Synchronization
import TensorCore

/// The folder of a run, as stages see it.
public typealias RunFolder = RunDirectory

/// A stage of a run that is about to begin.
public struct PlannedStage: Sendable, Equatable {
  /// As in the stage's events.
  public var name: String
  /// Its steps, in the unit of its events.
  public let steps: Int
  /// What a step costs, in any unit that is the same for all stages of a run; 0 where that is not known.
  public let cost: Double

  package init(name: String, steps: Int, cost: Double) { (self.name, self.steps, self.cost) = (name, steps, cost) }
}

/// What happens in a run; the command line turns it into progress bars and lines.
public enum RunEvent: Sendable {
  /// The stages to come, in order: the first event of a run that has several.
  case planned([PlannedStage])
  /// A stage begins, or continues after `completed` steps.
  case started(stage: String, completed: Int, total: Int)
  /// A step is done.
  case step(stage: String, completed: Int, total: Int, metrics: [(String, Double)])
  /// What has been trained so far was scored, such as by FID.
  case scored(stage: String, completed: Int, scores: [(String, Double)])
  /// A file was written.
  case saved(path: String)
  /// A run that goes wrong, and what to do.
  case warning(String)
}

/// Receives events, in order, on the thread that runs.
public typealias RunObserver = (RunEvent) -> Void

/// Asks a run to stop after its current step; set from a signal handler's queue.
public final class InterruptFlag: Sendable {
  private let raised = Atomic<Bool>(false)

  /// Not raised.
  public init() {}

  /// Ask to stop.
  public func raise() { raised.store(true, ordering: .relaxed) }

  /// Whether stopping was asked for.
  public var isRaised: Bool { raised.load(ordering: .relaxed) }
}

/// A run that stopped on request, after a clean checkpoint.
public struct RunInterrupted: Error, CustomStringConvertible, Sendable {
  /// Where to continue from; nil where nothing had to be saved.
  public let checkpoint: String?

  package init(checkpoint: String?) { self.checkpoint = checkpoint }

  /// One line that says how to continue.
  public var description: String {
    "interrupted; " + (checkpoint.map { "saved \($0); " } ?? "") + "continue with --resume"
  }
}

/// Runs a stage: logs every step, saves at intervals, at the end and when interrupted, resumes from the last file.
///
/// The processes of a job run it together: the first one reads and writes files, all of them begin with its state, and all
/// stop after the same step.
package struct StageLoop {
  private let run: RunDirectory
  private let checkpointInterval: Int
  private let command: String
  private let interrupt: InterruptFlag
  private let time: TrainingTime
  private let observer: RunObserver
  private let group = ProcessGroup.current

  /// Checkpoints kept in the folder.
  private static let keptCheckpoints = 2
  /// The mark of a checkpoint whose step was not scored to the end.
  private static let lacksScore = "lacks_score"

  /// A loop over a run's folder.
  /// - Parameters:
  ///   - checkpointInterval: steps between checkpoints.
  ///   - time: what the stages before took; what this one takes is added.
  package init(
    _ run: OpenRun, checkpointInterval: Int, interrupt: InterruptFlag, time: TrainingTime = TrainingTime(),
    observer: @escaping RunObserver
  ) {
    self.time = time
    self.run = run.directory
    command = run.command
    self.checkpointInterval = checkpointInterval
    self.interrupt = interrupt
    self.observer = observer
  }

  /// Runs the stage to its end, from its last checkpoint if there is one.
  /// - Throws: what the stage throws; `RunInterrupted` after a clean checkpoint; `ArtifactError` on I/O.
  package func run(_ stage: any TrainingStage) throws {
    let (completed, lacksScore) = try begin(stage)
    observer(.started(stage: stage.name, completed: completed, total: stage.totalSteps))
    guard completed < stage.totalSteps || lacksScore else { return try time.resume(run) }
    if completed < stage.totalSteps { try stage.prepare() }
    // What earlier stages needed for their sizes.
    ProcessMemory.releaseUnusedTensors()
    // A run that stopped before its first checkpoint begins anew, with step 0.
    let log = try StageLog(run, stage: stage.name, resumingAfter: completed > 0 ? completed : -1, time: time)
    if completed == 0 || lacksScore {
      try log.append(step: completed, try scores(stage, completed: completed, log))
    }
    if lacksScore { try save(stage, completed: completed) }
    for index in completed..<stage.totalSteps {
      var metrics = try log.timed { try step(stage, index, completed: completed) }
      var isScored = true
      do {
        metrics += try scores(stage, completed: index + 1, log)
      } catch is RunInterrupted {
        // The step itself is done, and is saved below; a resumed run scores it first, in a record of its own.
        isScored = false
      }
      try log.append(step: index + 1, metrics)
      observer(.step(stage: stage.name, completed: index + 1, total: stage.totalSteps, metrics: metrics))
      let isLast = index + 1 == stage.totalSteps
      let stops = group.any(interrupt.isRaised)
      guard isLast || stops || (index + 1) % checkpointInterval == 0 else { continue }
      try group.requireEqual(stage, completed: index + 1)
      let path = try save(stage, completed: index + 1, isScored: isScored)
      if stops, !isLast || !isScored { throw RunInterrupted(checkpoint: path) }
    }
  }

  /// Restores the stage in all processes.
  private func begin(_ stage: any TrainingStage) throws -> (completed: Int, lacksScore: Bool) {
    guard !group.isAlone else { return try resume(stage) }
    let steps = try group.fromFirst {
      let (completed, lacksScore) = try resume(stage)
      return [completed, lacksScore ? 1 : 0]
    }
    try group.takeFirst(stage)
    return (steps[0], steps[1] == 1)
  }

  /// What the stage scores itself by after a step, where it does; its picture, where it draws one, is written.
  private func scores(_ stage: any TrainingStage, completed: Int, _ log: StageLog) throws -> [(String, Double)] {
    let evaluation = try stage.evaluate(completed: completed)
    if let picture = evaluation.picture, group.isFirst {
      let contents = picture.encodedPNG()
      try AtomicFile.write(contents, to: run.snapshotPath(step: completed))
      try log.append(step: completed, picture, encoded: contents)
    }
    let scores = evaluation.scores
    if !scores.isEmpty { observer(.scored(stage: stage.name, completed: completed, scores: scores)) }
    return scores
  }

  /// One step of the stage, of which the other processes are told. Where its images are gone or broken, which a stage finds before it changes anything, the
  /// steps since the last checkpoint are saved.
  /// - Parameter completed: the steps that were done when the loop began.
  private func step(_ stage: any TrainingStage, _ index: Int, completed: Int) throws -> [(String, Double)] {
    group.note("\(stage.name), step \(index + 1)")
    do {
      return try stage.step(index).read(step: index)
    } catch let error as DatasetError {
      if index > completed, index % checkpointInterval != 0 { try save(stage, completed: index) }
      throw error
    }
  }

  /// Restores the stage from the run's last sound checkpoint, if there is one.
  /// - Returns: the steps done, and whether the score of the last of them was interrupted.
  /// - Throws: `ArtifactError.noSoundCheckpoint` where there are some and all are damaged.
  private func resume(_ stage: any TrainingStage) throws -> (completed: Int, lacksScore: Bool) {
    var damaged: [(path: String, detail: String)] = []
    for step in try run.checkpointSteps().reversed() {
      let path = run.checkpointPath(step: step)
      do {
        let file = try Checkpoint.read(from: path, expectingKind: stage.name + "-training")
        for (path, detail) in damaged {
          let place = try DamagedFile.setAside(path)
          observer(.warning("\(path): damaged (\(detail)); going on from step \(step), it is now \(place)"))
        }
        return try restore(stage, file, step: step, path: path)
      } catch {
        damaged.append((path, try DamagedFile.detail(of: error, in: path)))
      }
    }
    guard let last = damaged.first else {
      if FileAccess.exists(run.metricsPath) {
        observer(.warning("\(stage.name): \(run.checkpointsPath) holds no checkpoint; begins anew"))
      }
      return (0, false)
    }
    throw ArtifactError.noSoundCheckpoint(path: run.checkpointsPath, detail: "\(last.path): \(last.detail)")
  }

  private func restore(
    _ stage: any TrainingStage, _ file: Checkpoint, step: Int, path: String
  ) throws -> (completed: Int, lacksScore: Bool) {
    var progress: [String: Int] = [:]
    for (name, array) in file.progress { progress[name] = array.ints?.first.map { Int($0) } }
    try fitting(path) {
      try stage.restore(
        StageState(
          parameters: StateDict(file.parameters), ema: StateDict(file.ema), optimizer: StateDict(file.optimizer),
          progress: progress))
    }
    return (step, progress[Self.lacksScore] != nil)
  }

  @discardableResult
  private func save(_ stage: any TrainingStage, completed: Int, isScored: Bool = true) throws -> String {
    let path = run.checkpointPath(step: completed)
    guard group.isFirst else { return path }
    let state = stage.state()
    var file = Checkpoint(
      kind: stage.name + "-training",
      config: String(decoding: try FileAccess.contents(of: run.configPath), as: UTF8.self),
      createdBy: DD2Version.description, metadata: ["command": command])
    file.progress = state.progress.mapValues { HostArray(Int64($0)) }
    if !isScored { file.progress[Self.lacksScore] = HostArray(Int64(1)) }
    try file.write(
      to: path, adding: ["parameters": state.parameters, "ema": state.ema, "optimizer": state.optimizer])
    try run.pruneCheckpoints(keep: Self.keptCheckpoints)
    observer(.saved(path: path))
    return path
  }
}
