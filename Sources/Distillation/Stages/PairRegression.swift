import DD2Generator
import DD2Teacher
import NN
import Sampling
import TeacherModels
import TensorCore
import Training

/// Regression of tokens from noise on pairs (`TokenPairs`, `PairObjective`): the warm start of stage 2, and with
/// `--method dd1` the whole training.
public final class PairRegression: TrainingStage {
  public let name: String
  public let totalSteps: Int
  /// The network being trained.
  public let generator: OneStepGenerator
  private let objective: PairObjective
  private let configuration: DistillationConfiguration
  private let monitor: DistillationMonitor?
  private let trainer: NetworkTrainer
  private let average: ExponentialMovingAverage

  /// A stage at its beginning.
  /// - Parameters:
  ///   - name: in logs and checkpoints.
  ///   - initial: weights of a score network, which the generator is before its first update.
  ///   - pairs: see `TokenCollection.pairs`.
  ///   - monitor: scores the averaged generator at intervals; nil for no evaluation.
  /// - Throws: `StateDictError` where they do not fit.
  public init(
    name: String, steps: Int, teacher: any Teacher, initial: StateDict, pairs: TokenSource,
    configuration: DistillationConfiguration, monitor: DistillationMonitor?
  ) throws {
    self.name = name
    totalSteps = steps
    objective = PairObjective(teacher: teacher, pairs: pairs, configuration: configuration)
    self.configuration = configuration
    self.monitor = monitor
    generator = try StudentFactory(teacher: teacher, configuration).generator()
    try generator.load(stage1: initial)
    let settings = TrainingSettings(
      steps: steps, batch: configuration.batch, learningRate: configuration.regressionLearningRate,
      optimizer: AdamWConfiguration(beta2: 0.99), warmUpSteps: 20)
    trainer = NetworkTrainer(generator.parameters, settings.optimizer, settings.schedule)
    average = ExponentialMovingAverage(generator.parameters)
  }

  public func prepare() throws { try objective.prepare() }

  public func step(_ index: Int) throws -> StepMetrics {
    let batch = try objective.batch(step: index)
    let (metrics, report) = trainer.update(configuration.batchPlan) { pass in
      let value = objective.value(of: generator, batch, pass)
      return (value.loss, value.metrics)
    } finish: { report in
      average.update(decay: configuration.averagingDecay(afterUpdates: index + 1), after: report)
    }
    return metrics + StepMetrics([("gradient_norm", .number(report.norm))], updates: [report])
  }

  public func evaluate(completed: Int) throws -> StageEvaluation {
    try monitor?.evaluate(
      raw: generator, averaged: average.current, completed: completed, total: totalSteps) ?? StageEvaluation()
  }

  /// The averaged generator's weights, which change with the next step.
  public var averagedState: StateDict { average.current }

  public func state() -> StageState { state(of: trainer, ema: average) }
  public func restore(_ state: StageState) throws { try restore(state, into: trainer, ema: average) }
}
