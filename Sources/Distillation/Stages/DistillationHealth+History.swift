extension DistillationHealth {
  /// Updates in which a run was not as good ones are.
  public struct Episode: Equatable, Sendable {
    /// What was wrong, in words.
    public let fault: String
    /// The update at whose end it was seen.
    public let since: Int
    /// The update at whose end it was over; nil where it still is.
    public internal(set) var until: Int?
    /// What to do.
    public let advice: String
  }

  /// The episodes in the log of stage 2, in the order in which they began.
  /// - Parameter records: as `MetricLog.read` gives them.
  public static func episodes(in records: [[String: Double]]) -> [Episode] {
    var health = DistillationHealth()
    var episodes: [Episode] = []
    var present: [String: Int] = [:]
    for record in records {
      let step = Int(record["step"] ?? 0)
      _ = health.warnings(step: step, metrics: record.map { ($0.key, $0.value) })
      for metric in health.reported.sorted() where present[metric] == nil {
        let sign = signs.first { $0.metric == metric }
        present[metric] = episodes.count
        episodes.append(
          Episode(
            fault: sign?.fault ?? "FID is worse than at the start", since: step, until: nil,
            advice: sign?.advice ?? scoreAdvice))
      }
      for (metric, index) in present where !health.reported.contains(metric) {
        episodes[index].until = step
        present[metric] = nil
      }
    }
    return episodes
  }

  /// Between which values the mean of a metric is as in good runs: from below, from above; nil where that is not known.
  /// - Parameter records: the log of stage 2, whose first updates set the level.
  public static func healthyRange(of metric: String, in records: [[String: Double]]) -> (from: Double?, to: Double?)? {
    let first = records.compactMap { $0[metric] }.prefix(window)
    guard let sign = signs.first(where: { $0.metric == metric }), first.count == window else { return nil }
    let limit = sign.limit * first.reduce(0, +) / Double(window)
    return sign.mayRise ? (nil, limit) : (limit, nil)
  }
}
