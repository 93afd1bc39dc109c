import Distillation

extension ReportedRun.Stage {
  /// Records that a page shows of a stage at most; those with a score are all kept.
  private static let mostRecords = 2000
  /// What says when a record was made, which is no curve.
  private static let times: Set = ["step", "seconds", "cpu_seconds"]

  /// The curves of a log.
  init(name: String, records all: [[String: Double]]) {
    let stride = max(1, all.count / Self.mostRecords)
    let records = all.enumerated().filter {
      $0.offset % stride == 0 || $0.element["fid"] != nil || $0.offset == all.count - 1
    }
    .map(\.element)
    self.name = name
    steps = records.map { $0["step"] ?? 0 }
    seconds = records.map { $0["seconds"] }
    processorSeconds = records.map { $0["cpu_seconds"] }
    let names = Set(all.flatMap(\.keys)).subtracting(Self.times).sorted { Self.place($0) < Self.place($1) }
    series = names.map { metric in
      let range = DistillationHealth.healthyRange(of: metric, in: all)
      return ReportedRun.Series(
        name: metric, about: MetricWords.about[metric] ?? "", values: records.map { $0[metric] },
        healthyFrom: range?.from, healthyTo: range?.to)
    }
  }

  /// What people look at first comes first.
  private static func place(_ metric: String) -> String {
    let index = MetricWords.order.firstIndex(of: metric) ?? MetricWords.order.count
    return String(format: "%03d", index) + metric
  }
}
