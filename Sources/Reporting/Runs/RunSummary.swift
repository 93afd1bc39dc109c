import Artifacts
import Distillation
import Evaluation
import Foundation
import TeacherModels
import Training

/// What a run's folder shows of the run.
package struct RunSummary: Encodable {
  package enum Kind: String, Encodable {
    case distill, teacher, features
  }

  package enum State: String, Encodable {
    /// A process has locked the folder.
    case running
    /// All steps are made and the result is written.
    case finished
    /// Resumes from what is saved.
    case stopped
    /// Nothing is saved that it could resume from.
    case failed
    /// No settings can be read.
    case unreadable
  }

  /// The folder.
  package let run: String
  package let kind: Kind?
  package let state: State
  /// The stage that it has come to, and how far.
  package let stage: String?
  package let step: Int?
  package let steps: Int?
  /// The lowest FID of the run's own log, and its step.
  package let fid: Double?
  package let fidStep: Int?
  /// When a file was last changed, in seconds since 1970.
  package let lastActivity: Int
  /// Bytes of all files.
  package let bytes: Int
  /// Processor or device, threads and libraries.
  package let backend: String?

  /// Looks at a folder; nil for one that is no run's.
  package init?(of folder: String) {
    guard let run = RecordedRun(folder) else { return nil }
    let files = RunDirectory(path: folder).files()
    self.run = folder
    kind = run.kind
    let reached = run.stages.last { run.progress(of: $0) != nil } ?? run.stages.first
    stage = reached?.name
    step = reached.map { run.progress(of: $0) ?? 0 }
    steps = reached?.steps
    if WriterLock.isHeld(folder: folder) {
      state = .running
    } else if run.kind == nil {
      state = .unreadable
    } else if run.isFinished {
      state = .finished
    } else {
      state = run.stages.contains(where: run.hasSaved) ? .stopped : .failed
    }
    let scores = run.kind == .distill ? (try? MetricLog.read(RunDirectory(path: folder).metricsPath)) ?? [] : []
    let best = scores.filter { $0["fid"] != nil }.min { $0["fid", default: 0] < $1["fid", default: 0] }
    (fid, fidStep) = (best?["fid"], best?["step"].map { Int($0) })
    lastActivity = (files.map(\.modified).max() ?? 0) / 1_000_000_000
    bytes = files.reduce(0) { $0 + $1.bytes }
    backend = run.backend
  }
}
