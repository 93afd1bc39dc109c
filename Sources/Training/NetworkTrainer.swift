import NN
import TensorCore

/// A network with its optimiser and schedule: one gradient step at a time.
package final class NetworkTrainer {
  package let parameters: ParameterSet
  private let optimizer: AdamW
  private let schedule: LearningRateSchedule

  package init(_ parameters: ParameterSet, _ configuration: AdamWConfiguration, _ schedule: LearningRateSchedule) {
    self.parameters = parameters
    optimizer = AdamW(parameters, configuration)
    self.schedule = schedule
  }

  /// One update of all parameters toward a smaller loss.
  @discardableResult
  package func minimize(_ loss: Tensor) -> UpdateReport {
    let gradients = loss.gradients(withRespectTo: parameters.values)
    return optimizer.update(gradients, learningRate: schedule.rate(at: optimizer.step))
  }

  /// The optimiser's moments under `prefix.`, and its count.
  package func state(prefix: String) -> (moments: StateDict, step: Int) {
    let state = optimizer.state
    return (state.moments.addingPrefix(prefix), state.step)
  }

  /// Continues from a saved state.
  package func restore(moments: StateDict, prefix: String, step: Int) throws {
    try optimizer.load(moments: moments.removingPrefix(prefix), step: step)
  }
}

extension TrainingStage {
  /// The state of a stage that trains one network.
  package func state(of trainer: NetworkTrainer, ema: ExponentialMovingAverage? = nil) -> StageState {
    let optimizer = trainer.state(prefix: "network")
    return StageState(
      parameters: trainer.parameters.current, ema: ema?.current ?? StateDict(),
      optimizer: optimizer.moments, progress: ["updates": optimizer.step])
  }

  /// Restores a stage that trains one network.
  package func restore(_ state: StageState, into trainer: NetworkTrainer, ema: ExponentialMovingAverage? = nil) throws {
    try trainer.parameters.load(state.parameters)
    try ema?.load(state.ema)
    try trainer.restore(moments: state.optimizer, prefix: "network", step: state.counter("updates"))
  }
}
