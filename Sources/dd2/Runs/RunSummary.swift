import Artifacts
import Distillation
import Evaluation
import Foundation
import TeacherModels
import Training

/// What a run's folder shows of the run.
struct RunSummary: Encodable {
  enum Kind: String, Encodable {
    case distill, teacher, features
  }

  enum State: String, Encodable {
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
  let run: String
  let kind: Kind?
  let state: State
  /// The stage that it has come to, and how far.
  let stage: String?
  let step: Int?
  let steps: Int?
  /// The lowest FID of the run's own log, and its step.
  let fid: Double?
  let fidStep: Int?
  /// When a file was last changed, in seconds since 1970.
  let lastActivity: Int
  /// Bytes of all files.
  let bytes: Int
  /// Processor or device, threads and libraries.
  let backend: String?

  /// Looks at a folder; nil for one that is no run's.
  init?(of folder: String) {
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

  /// The runs that paths lead to: the run itself, or those in a folder of runs.
  /// - Throws: `ArtifactError`, and `CommandFailure` for a folder that holds none.
  static func folders(at path: String) throws -> [String] {
    if RecordedRun(path) != nil { return [path] }
    let folders = try FileAccess.names(in: path).map { path.pathJoined($0) }.filter { RecordedRun($0) != nil }
    guard !folders.isEmpty else {
      throw CommandFailure(.missingInput, "\(path): holds no runs; give the folder of a run, or one with runs in it")
    }
    return folders
  }
}

extension String {
  /// A name behind a path that may end in a slash.
  fileprivate func pathJoined(_ name: String) -> String { (hasSuffix("/") ? self : self + "/") + name }
}
