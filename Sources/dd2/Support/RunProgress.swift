import Foundation
import Training

/// Shows the events of a training run.
final class RunProgress {
  private var meter: ProgressMeter?
  private var stage = ""

  /// What is counted in work that is no training.
  private static let units = ["encoding": "images", "fid": "images", "pairs": "pairs"]

  /// Receives one event.
  func callAsFunction(_ event: RunEvent) {
    switch event {
    case .started(let stage, let completed, let total):
      show(stage, completed: completed, total: total)
      if completed >= total {
        Log.info("\(stage): all \(total) steps done before")
      } else if completed > 0 {
        Log.info("\(stage): continuing after step \(completed)")
      }
    case .step(let stage, let completed, let total, let metrics):
      // A stage may prepare something else after it began, with a bar of its own. This one begins when its first step
      // is done, which then says nothing about its speed.
      if stage != self.stage { show(stage, completed: completed, total: total) }
      meter?.update(completed, metrics: Self.text(metrics))
    case .saved(let path):
      let line = "saved \(path)"
      if let meter { meter.note(line) } else { Log.info(line) }
    case .warning(let text):
      let line = "warning: " + text
      if let meter { meter.warn(line) } else { Log.warning(line) }
    }
  }

  private func show(_ stage: String, completed: Int, total: Int) {
    meter?.close()
    self.stage = stage
    meter = ProgressMeter(stage, total: total, unit: Self.units[stage] ?? "steps", initial: completed)
  }

  /// Ends the bar where a run stops early.
  func close() { meter?.close() }

  private static func text(_ metrics: [(String, Double)]) -> [String] {
    metrics.map { String(format: "%@ %.4g", $0.0 as NSString, $0.1) }
  }
}
