import Artifacts
import Training

/// Warns when stage 2 leaves the ranges of good runs (docs/method.md, 'Metrics of stage 2').
///
/// Recent rounds are compared with the run's own first ones, since the level of every sign depends on the teacher. A sign
/// is reported once, and again only after it has come back.
public struct DistillationHealth {
  private var first: [String: [Double]] = [:]
  private var recent: [String: [Double]] = [:]
  /// The metrics that are out of their range.
  private(set) var reported: Set<String> = []

  /// Rounds in a mean.
  static let window = 10
  /// FID may rise while the score network catches up; from this round on it should be below its start.
  private static let settledRound = 50

  /// A sign that is unhealthy where its recent mean passes a multiple of its first one.
  struct Sign {
    let metric: String
    let limit: Double
    let mayRise: Bool
    let fault: String
    let advice: String
  }

  static let signs = [
    Sign(
      metric: "fcs", limit: 3, mayRise: true, fault: "the score network lags",
      advice: "raise stage2.score_updates or lower --generator-lr"),
    Sign(
      metric: "score_difference", limit: 2, mayRise: true, fault: "the two networks chase each other",
      advice: "lower --generator-lr"),
    Sign(
      metric: "token_entropy", limit: 0.75, mayRise: false, fault: "the generator loses diversity",
      advice: "lower --generator-lr or raise warm_start.steps"),
  ]
  static let scoreAdvice = "lower --generator-lr or raise stage2.score_updates"

  /// The warnings after a round.
  /// - Parameters:
  ///   - step: rounds done.
  ///   - metrics: what the round reported.
  mutating func warnings(step: Int, metrics: [(String, Double)]) -> [String] {
    let values = Dictionary(metrics, uniquingKeysWith: { $1 })
    let lines = Self.signs.compactMap { sign in
      values[sign.metric].flatMap { check(sign, value: $0, step: step) }
    }
    return lines + [values["fid"].flatMap { checkFID($0, step: step) }].compactMap { $0 }
  }

  private mutating func check(_ sign: Sign, value: Double, step: Int) -> String? {
    guard first[sign.metric, default: []].count == Self.window else {
      first[sign.metric, default: []].append(value)
      return nil
    }
    recent[sign.metric] = (recent[sign.metric, default: []] + [value]).suffix(Self.window)
    guard let values = recent[sign.metric], values.count == Self.window else { return nil }
    let (start, now) = (Self.mean(first[sign.metric, default: []]), Self.mean(values))
    return report(
      sign.metric, isUnhealthy: sign.mayRise ? now > sign.limit * start : now < sign.limit * start,
      "\(sign.metric) went from \(Self.text(start)) to \(Self.text(now)) by round \(step): \(sign.fault); \(sign.advice)"
    )
  }

  private mutating func checkFID(_ fid: Double, step: Int) -> String? {
    guard let start = first["fid"]?.first else {
      first["fid"] = [fid]
      return nil
    }
    return report(
      "fid", isUnhealthy: step >= Self.settledRound && fid > start,
      "FID is \(Self.text(fid)) after round \(step), worse than \(Self.text(start)) at the start: "
        + Self.scoreAdvice)
  }

  private mutating func report(_ name: String, isUnhealthy: Bool, _ line: String) -> String? {
    guard isUnhealthy else {
      reported.remove(name)
      return nil
    }
    return reported.insert(name).inserted ? line : nil
  }

  private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

  private static func text(_ value: Double) -> String { String(describing: (value * 1000).rounded() / 1000) }
}

/// Adds warnings to the events of stage 2.
final class HealthWatch {
  private var health: DistillationHealth?
  private let log: String
  private let observer: RunObserver

  /// A watch over the run with this folder.
  init(_ run: RunDirectory, observer: @escaping RunObserver) {
    log = run.metricsPath
    self.observer = observer
  }

  /// Passes an event on, with the warnings that follow from it. The first step reads what the run's log holds: the
  /// measurement before the first round, or all rounds before a resumption.
  func receive(_ event: RunEvent) {
    observer(event)
    guard case .step(_, let completed, _, let metrics) = event else { return }
    if health == nil {
      var fresh = DistillationHealth()
      for line in (try? MetricLog.read(log)) ?? [] where line["step", default: 0] < Double(completed) {
        _ = fresh.warnings(step: Int(line["step", default: 0]), metrics: line.map { ($0.key, $0.value) })
      }
      health = fresh
    }
    for line in health?.warnings(step: completed, metrics: metrics) ?? [] { observer(.warning(line)) }
  }
}
