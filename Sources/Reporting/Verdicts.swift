import Distillation
import Foundation

/// How a run goes, in words.
struct Verdicts {
  private let folder: String
  private let state: RunSummary.State
  private let steps: (done: Int, total: Int?)
  private let records: [[String: Double]]

  /// Of scores that bring nothing better, after which a run has settled.
  private static let patience = 3

  /// Verdicts on a distillation's own stage.
  /// - Parameters:
  ///   - folder: the run's.
  ///   - steps: updates made, and all; nil for a teacher's training.
  ///   - records: its log, empty before it began.
  init(folder: String, state: RunSummary.State, steps: (done: Int, total: Int?), records: [[String: Double]]) {
    (self.folder, self.state, self.steps, self.records) = (folder, state, steps, records)
  }

  var all: [ReportedRun.Verdict] {
    [progress].compactMap { $0 } + [fid, trend].compactMap { $0 } + health
  }

  private var progress: ReportedRun.Verdict? {
    guard let total = steps.total else { return nil }
    switch state {
    case .finished: return verdict("finished: \(steps.done) updates\(time.map { " in \($0) of training" } ?? "")")
    case .running:
      return verdict("running: update \(steps.done) of \(total)\(time.map { ", \($0) of training" } ?? "")")
    case .stopped:
      return verdict(
        "stopped at update \(steps.done) of \(total); dd2 distill --resume --run \(folder) goes on", isWarning: true)
    case .failed: return verdict("ended before anything was saved", isWarning: true)
    case .unreadable: return verdict("its settings cannot be read", isWarning: true)
    }
  }

  private var time: String? {
    records.last?["seconds"].map { seconds in
      seconds < 7200 ? String(format: "%.0f min", seconds / 60) : String(format: "%.1f h", seconds / 3600)
    }
  }

  private var scores: [(step: Int, fid: Double)] {
    records.compactMap { record in record["fid"].map { (Int(record["step"] ?? 0), $0) } }
  }

  private var fid: ReportedRun.Verdict? {
    guard let last = scores.last, let best = scores.min(by: { $0.fid < $1.fid }) else { return nil }
    var text = "FID \(number(last.fid)) at update \(last.step)"
    if best.step != last.step { text += ", best \(number(best.fid)) at update \(best.step) (best.h5)" }
    if let first = scores.first, first.step != last.step { text += "; it began at \(number(first.fid))" }
    if let teacher = records.lazy.compactMap({ $0["teacher_fid"] }).first {
      text += "; the teacher has \(number(teacher))"
    }
    return verdict(text)
  }

  private var trend: ReportedRun.Verdict? {
    guard scores.count > Self.patience, let best = scores.indices.min(by: { scores[$0].fid < scores[$1].fid })
    else { return nil }
    let since = scores.count - 1 - best
    if since == 0 { return verdict("FID still falls: more --steps may bring it lower") }
    guard since >= Self.patience else { return nil }
    return verdict("FID has not come below its best since update \(scores[best].step), \(since) measurements ago")
  }

  private var health: [ReportedRun.Verdict] {
    guard steps.done > 0, records.contains(where: { $0["fcs"] != nil }) else { return [] }
    let episodes = DistillationHealth.episodes(in: records)
    if episodes.isEmpty { return [verdict("no metric has left its healthy range")] }
    return episodes.map { episode in
      guard let end = episode.until else {
        return verdict("\(episode.fault) since update \(episode.since): \(episode.advice)", isWarning: true)
      }
      return verdict("\(episode.fault) from update \(episode.since) to \(end), no more since")
    }
  }

  private func number(_ value: Double) -> String { String(format: "%.2f", value) }

  private func verdict(_ text: String, isWarning: Bool = false) -> ReportedRun.Verdict {
    ReportedRun.Verdict(isWarning: isWarning, text: text)
  }
}
