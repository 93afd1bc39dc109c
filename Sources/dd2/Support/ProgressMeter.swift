import Foundation

/// Progress of one piece of long work, with rate and time left: a bar on a terminal, plain lines elsewhere.
final class ProgressMeter {
  private let title: String
  private let total: Int
  private let unit: String
  /// What was done before this process began, which says nothing about its speed.
  private let initial: Int
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var shown: (time: ContinuousClock.Instant, completed: Int)?
  private var current = ""

  /// Shortest time between two redrawn bars.
  private static let redrawInterval = Duration.milliseconds(100)
  /// Time after which a plain line is due.
  private static let lineInterval = Duration.seconds(10)
  /// Plain lines due by progress are never closer than this.
  private static let minimumLineInterval = Duration.seconds(1)
  /// Part of the work after which a plain line is due.
  private static let linePart = 0.05

  /// A meter at its beginning.
  /// - Parameters:
  ///   - title: what is being done, such as `tokenizer`.
  ///   - unit: what is counted, in the plural, such as `steps`.
  init(_ title: String, total: Int, unit: String, initial: Int = 0) {
    self.title = title
    self.total = total
    self.unit = unit
    self.initial = initial
    start = clock.now
  }

  /// Reports how much is done.
  /// - Parameters:
  ///   - secondsAfter: what comes after this work will take; nil where nothing does.
  ///   - metrics: what else is shown of it, as far as the terminal has room.
  func update(_ completed: Int, secondsAfter: Double? = nil, metrics: [String] = []) {
    let now = clock.now
    guard Log.showsProgress, isDue(completed, at: now) else { return }
    shown = (now, completed)
    let status = status(completed, secondsAfter: secondsAfter)
    if Console.isInteractive {
      current = Self.line(
        title: title, bar: bar(completed), status: status, metrics: metrics, columns: Console.columns)
      Console.redraw(current)
      if completed >= total { close() }
    } else {
      Log.info("\(title) " + Self.text(status, metrics))
    }
  }

  /// Logs a line without tearing the bar.
  func note(_ text: String) { write(text, by: Log.info) }

  /// Logs a warning without tearing the bar.
  func warn(_ text: String) { write(text, by: Log.warning) }

  private func write(_ text: String, by log: (String) -> Void) {
    guard Console.isInteractive, !current.isEmpty else { return log(text) }
    Console.redraw("")
    log(text)
    Console.redraw(current)
  }

  /// Leaves the bar's line as it is, so that what follows begins on a new one.
  func close() {
    guard Console.isInteractive, !current.isEmpty else { return }
    Console.line("")
    current = ""
  }

  private func isDue(_ completed: Int, at now: ContinuousClock.Instant) -> Bool {
    guard let shown, completed < total else { return true }
    let elapsed = shown.time.duration(to: now)
    if Console.isInteractive { return elapsed >= Self.redrawInterval }
    let part = Double(completed - shown.completed) / Double(max(total, 1))
    return elapsed >= Self.lineInterval || (part >= Self.linePart && elapsed >= Self.minimumLineInterval)
  }

  private func bar(_ completed: Int) -> String {
    let width = 24
    let filled = min(width, completed * width / max(total, 1))
    return "[\(String(repeating: "=", count: filled))\(String(repeating: " ", count: width - filled))]"
  }

  private func status(_ completed: Int, secondsAfter: Double?) -> [String] {
    let seconds = start.duration(to: clock.now) / .seconds(1)
    let done = completed - initial
    let rate = seconds > 0 ? Double(done) / seconds : 0
    var parts = ["\(completed)/\(total) \(unit)", "\(completed * 100 / max(total, 1))%"]
    if done > 0 {
      parts.append(Self.rate(rate, unit))
      let left = Double(total - completed) / rate
      parts.append(completed < total ? "ETA \(Self.duration(left))" : "took \(Self.duration(seconds))")
      if let secondsAfter { parts.append("whole run \(Self.duration(left + secondsAfter))") }
    }
    return parts
  }

  private static func text(_ status: [String], _ metrics: some Sequence<String>) -> String {
    (status + [metrics.joined(separator: " ")].filter { !$0.isEmpty }).joined(separator: ", ")
  }

  /// What a terminal's line holds of all there is to show. Where it is too narrow, whole parts are left out, for half a
  /// number is another number: metrics from the last one on, then the bar, the title, and the status from its end.
  /// - Parameter columns: of the terminal; the last one stays free, or some terminals begin a new line.
  static func line(title: String, bar: String, status: [String], metrics: [String], columns: Int) -> String {
    let lines =
      (0...metrics.count).reversed().map { "\(title) \(bar) " + text(status, metrics.prefix($0)) }
      + ["\(title) " + text(status, [])] + (1...status.count).reversed().map { text(Array(status.prefix($0)), []) }
    return lines.first { $0.count < columns } ?? ""
  }

  /// A speed in the unit that reads best: per second, or seconds per piece where that is more than one.
  static func rate(_ perSecond: Double, _ unit: String) -> String {
    if perSecond >= 1 || perSecond <= 0 { return String(format: "%.1f %@/s", perSecond, unit as NSString) }
    return String(format: "%.1f s each", 1 / perSecond)
  }

  /// Minutes and seconds, with hours where there are any: `6:40`, `1:02:03`.
  static func duration(_ seconds: Double) -> String {
    let whole = Int(min(max(seconds, 0), 1e9).rounded())
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
    return hours > 0
      ? String(format: "%d:%02d:%02d", hours, minutes, rest) : String(format: "%d:%02d", minutes, rest)
  }
}
