import Artifacts
import NN

/// All that a stage needs to continue where it stopped. Random streams are keyed by seed and step, so they need none.
public struct StageState {
  /// Trained weights, one prefix per network.
  public var parameters: StateDict
  /// Averaged weights: what is sampled from.
  public var ema: StateDict
  /// Optimiser moments and whatever else is averaged over steps.
  public var optimizer: StateDict
  /// Counters.
  public var progress: [String: Int]

  /// A state.
  public init(
    parameters: StateDict, ema: StateDict = StateDict(), optimizer: StateDict, progress: [String: Int]
  ) {
    self.parameters = parameters
    self.ema = ema
    self.optimizer = optimizer
    self.progress = progress
  }

  /// A counter that the stage saved.
  /// - Throws: `StateDictError` where it is missing.
  package func counter(_ name: String) throws -> Int {
    guard let value = progress[name] else {
      throw StateDictError.mismatch(missing: [name], unexpected: [], misshapen: [])
    }
    return value
  }
}

/// What a stage shows of what it has trained so far.
public struct StageEvaluation {
  /// More metrics for the log.
  public var scores: [(String, Double)]
  /// A grid for the run's `snapshots/` and TensorBoard.
  public var picture: RGBImage?

  public init(scores: [(String, Double)] = [], picture: RGBImage? = nil) {
    (self.scores, self.picture) = (scores, picture)
  }
}

/// One kind of training: a step at a time, resumable. The run loop around it logs, saves and stops.
public protocol TrainingStage: AnyObject {
  /// Name in logs and checkpoints, such as `tokenizer`.
  var name: String { get }
  /// Number of steps of the whole stage.
  var totalSteps: Int { get }
  /// Called once before the first step of a session, not at all where no step is left: gets what is not part of the
  /// training and has a log of its own. Its time is not counted as training time.
  func prepare() throws
  /// One step, counted from 0: gets its data, then makes each update of a network in a step of the backend
  /// (`Backends.step`), in which nothing is copied to the host.
  /// - Returns: what it computed about itself, still on the backend.
  /// - Throws: errors of the data; the last checkpoint stays good.
  func step(_ index: Int) throws -> StepMetrics
  /// Everything, as it is now: it shares the memory of what is trained and changes with the next step.
  func state() -> StageState
  /// Continues from a snapshot.
  func restore(_ state: StageState) throws
  /// Called before the first step and after each, and again where a run goes on whose last call was interrupted: a picture
  /// and scores at the stage's own intervals. Its time is not counted as training time.
  /// - Parameter completed: the number of steps done.
  /// - Throws: `RunInterrupted` where it was stopped: the step before it is kept.
  func evaluate(completed: Int) throws -> StageEvaluation
}

extension TrainingStage {
  public func prepare() throws {}
  public func evaluate(completed: Int) throws -> StageEvaluation { StageEvaluation() }
}

/// Thrown when a step's result or a gradient is not a finite number: nothing of the step was kept.
public struct NonFiniteStep: Error, CustomStringConvertible, Sendable {
  /// The metric, or the parameter whose gradient it is.
  public let quantity: String
  /// Step, from 1 as in the logs.
  public let step: Int

  /// One line: what, where, what to do.
  public var description: String {
    "\(quantity) is not finite at step \(step); lower the learning rate in a new run, or use --resume, which continues "
      + "from the last checkpoint"
  }
}
