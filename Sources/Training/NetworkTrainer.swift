import NN
import TensorCore

/// A network with its optimiser and schedule: one gradient step at a time.
package final class NetworkTrainer {
  package let parameters: ParameterSet
  private let optimizer: AdamW
  private let schedule: LearningRateSchedule
  /// The gradients of an update's passes so far, in the parameters' order: zero between updates; none where every update
  /// was one pass.
  private var sums: [Tensor] = []

  package init(_ parameters: ParameterSet, _ configuration: AdamWConfiguration, _ schedule: LearningRateSchedule) {
    self.parameters = parameters
    optimizer = AdamW(parameters, configuration)
    self.schedule = schedule
  }

  /// One update of all parameters toward a smaller mean of the replicas' losses. Part of a step of the caller's.
  @discardableResult
  package func minimize(_ loss: Tensor) -> UpdateReport {
    let count = loss.replicaCount
    guard count > 1 else { return update(loss.gradients(withRespectTo: parameters.values)) }
    var sum = GradientSum(count: parameters.values.count)
    (loss / Float(count)).gradients(withRespectTo: parameters.values) { sum.add($0, $1) }
    return update(sum.finish())
  }

  private func update(_ gradients: [Tensor]) -> UpdateReport {
    optimizer.update(gradients, learningRate: schedule.rate(at: optimizer.step))
  }

  /// One update toward a smaller mean of the losses of all passes of all replicas: a step of the backend where there is one
  /// pass, else one for each, the same program on other rows, and one for the update.
  /// - Parameters:
  ///   - loss: the loss of a pass's rows, a mean over them, and what is told of it.
  ///   - finish: what belongs into the last step, such as the update of an average.
  /// - Returns: what was told, averaged over passes and replicas, with the update.
  package func update(
    _ plan: BatchPlan, loss: (BatchPass) -> (loss: Tensor, metrics: StepMetrics),
    finish: (UpdateReport) -> Void = { _ in }
  ) -> (metrics: StepMetrics, report: UpdateReport) {
    let passes = plan.passes
    guard passes.count > 1 else {
      return Backends.step {
        let (loss, metrics) = recomputing(plan.recomputes) { loss(passes[0]) }
        let report = minimize(loss)
        finish(report)
        return (metrics.summedOverReplicas(), report)
      }
    }
    if sums.isEmpty { sums = parameters.values.map { .zeros($0.shape) } }
    let told = passes.map { pass in
      Backends.step {
        let (loss, metrics) = recomputing(plan.recomputes) { loss(pass) }
        let share = Float(passes.count * loss.replicaCount)
        let gradients = (loss / share).gradients(withRespectTo: parameters.values)
        for (sum, gradient) in zip(sums, gradients) { sum.assign(sum + gradient) }
        return metrics
      }
    }
    return Backends.step {
      var all = GradientSum(count: sums.count)
      for (place, sum) in sums.enumerated() { all.add(place, sum) }
      let report = update(all.finish())
      for sum in sums { sum.assign(.zeros(sum.shape)) }
      finish(report)
      return (StepMetrics(averaging: told).summedOverReplicas(), report)
    }
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
