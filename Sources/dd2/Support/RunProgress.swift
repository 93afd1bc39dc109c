import Foundation
import Training

/// Shows the events of a training run.
final class RunProgress {
  private var meter: ProgressMeter?
  private var stage = ""
  private var forecast = RunForecast()

  /// What is counted in work that is no training.
  private static let units = ["encoding": "images", "fid": "images", "pairs": "pairs", "sequences": "sequences"]

  /// Receives one event.
  func show(_ event: RunEvent) {
    switch event {
    case .planned(let stages):
      forecast = RunForecast(stages)
      let parts = stages.map { "\($0.name) (\($0.steps) \(Self.unit(of: $0.name)))" }
      Log.info("\(stages.count) stages: \(parts.joined(separator: ", "))")
    case .started(let stage, let completed, let total):
      forecast.begin(stage, completed: completed)
      show(stage, completed: completed, total: total)
      if completed >= total {
        Log.info("\(stage): all \(total) \(Self.unit(of: stage)) done before")
      } else if completed > 0 {
        Log.info("\(stage): continuing after step \(completed)")
      }
    case .step(let stage, let completed, let total, let metrics):
      // A stage may prepare something else after it began, with a bar of its own. This one begins when its first step
      // is done, which then says nothing about its speed.
      if stage != self.stage {
        forecast.begin(stage, completed: completed)
        show(stage, completed: completed, total: total)
      }
      meter?.update(
        completed, secondsAfter: forecast.secondsAfter(stage, completed: completed), metrics: Self.text(metrics))
    case .scored(_, let completed, let scores):
      note("step \(completed): \(Self.text(scores).joined(separator: " "))")
    case .saved(let path): note("saved \(path)")
    case .warning(let text):
      let line = "warning: " + text
      if let meter { meter.warn(line) } else { Log.warning(line) }
    }
  }

  private func note(_ line: String) { if let meter { meter.note(line) } else { Log.info(line) } }

  private static func unit(of stage: String) -> String {
    units.first { stage.hasSuffix($0.key) }?.value ?? "steps"
  }

  private func show(_ stage: String, completed: Int, total: Int) {
    meter?.close()
    self.stage = stage
    meter = ProgressMeter(forecast.title(stage), total: total, unit: Self.unit(of: stage), initial: completed)
  }

  /// Ends the bar where a run stops early.
  func close() { meter?.close() }

  /// Metrics in a line: the first few say most.
  private static let mostMetrics = 4

  private static func text(_ metrics: [(String, Double)]) -> [String] {
    metrics.prefix(mostMetrics).map { String(format: "%@ %.4g", $0.0 as NSString, $0.1) }
  }
}

/// How long the stages after the present one will take, from the time that steps have taken so far and what they cost.
struct RunForecast {
  private var stages: [PlannedStage] = []
  /// The present stage, when and where it began or went on after other work, and its last step.
  private var present: (index: Int, start: Place, last: Place)?
  /// Seconds and cost of the steps that this process has made before.
  private var spent = (seconds: 0.0, cost: 0.0)

  private typealias Place = (time: ContinuousClock.Instant, completed: Int)

  init() {}

  /// A forecast at the beginning of a run.
  init(_ stages: [PlannedStage]) { self.stages = stages }

  /// A stage's name with its place among all, such as `stage 2 of 4: pairs`.
  func title(_ stage: String) -> String {
    guard let index = stages.firstIndex(where: { $0.name == stage }) else { return stage }
    return "stage \(index + 1) of \(stages.count): \(stage)"
  }

  /// A stage begins, or goes on after other work, whose time is no step's.
  mutating func begin(_ stage: String, completed: Int) {
    guard let index = stages.firstIndex(where: { $0.name == stage }) else { return }
    spent = total
    present = (index, (.now, completed), (.now, completed))
  }

  /// Seconds of all stages after this one; nil where there are none or nothing is known yet.
  mutating func secondsAfter(_ stage: String, completed: Int) -> Double? {
    guard let index = present?.index, stages[index].name == stage else { return nil }
    present?.last = (.now, completed)
    let (seconds, cost) = total
    let later = stages[(index + 1)...].reduce(0) { $0 + Double($1.steps) * $1.cost }
    return cost > 0 && later > 0 ? later * seconds / cost : nil
  }

  private var total: (seconds: Double, cost: Double) {
    guard let (index, start, last) = present else { return spent }
    let steps = Double(last.completed - start.completed)
    return (spent.seconds + (last.time - start.time) / .seconds(1), spent.cost + steps * stages[index].cost)
  }
}
