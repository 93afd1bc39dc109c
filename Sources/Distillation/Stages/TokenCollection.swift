import Artifacts
import DD2Teacher
import Foundation
import Processes
import TeacherModels
import TensorCore
import Training

/// Token sequences that a run draws once and keeps: a file that grows batch by batch, so that an interrupted run goes on
/// from what it has.
///
/// The file holds `ids` (N, L) and `labels` (N) as token files do (`TokenFile`), and in its attributes what its sequences
/// follow from. Each process of a job draws its batches; the first one alone reads and writes the run's files.
struct TokenCollection {
  /// The sequences' name in the plural: that of the stage in events and logs, of its folder and of the file.
  let name: String
  /// Sequences that are wanted.
  let total: Int
  /// What the sequences follow from, by the attributes' names: others are not gone on with.
  let origin: [String: String]
  /// Sequences drawn at once.
  let batch: Int
  /// Makes what draws the sequences of a range of indices; called only if some are missing.
  let drawer: () throws -> (Range<Int>) throws -> TokenSet

  /// The most sequences that are drawn at once.
  static let mostAtOnce = 100
  /// Seconds between writes of the file: what a killed process loses.
  private static let saveInterval = 60.0

  /// Where and how a collection is drawn.
  struct Session {
    let teacher: any Teacher
    let run: OpenRun
    let interrupt: InterruptFlag
    let time: TrainingTime
    let observer: RunObserver
  }

  /// All sequences, those of an earlier session included.
  /// - Throws: `RunInterrupted` after the sequences drawn so far are saved; `ArtifactError`, and what drawing throws.
  func sequences(_ session: Session) throws -> TokenSet {
    let group = ProcessGroup.current
    let path = session.run.directory.path + "/\(name).h5"
    var drawn = try existing(path, session)
    let begun = drawn?.count ?? 0
    session.observer(.started(stage: name, completed: begun, total: total))
    guard begun < total else {
      if group.isFirst { try session.time.resume(session.run.directory) }
      return try complete(drawn, path)
    }
    let draw = try drawer()
    let log =
      try group.isFirst
      ? StageLog(session.run.directory, stage: name, resumingAfter: begun, time: session.time) : nil
    var saved = ContinuousClock.now
    for range in group.rounds(stride(from: begun, to: total, by: batch).map { $0..<min($0 + batch, total) }) {
      func drawRound() throws -> TokenSet { try range.map(draw).gathered(group, length: session.teacher.layout.count) }
      let new = try log?.timed(drawRound) ?? drawRound()
      if drawn == nil { drawn = new } else { drawn?.append(new) }
      let count = drawn?.count ?? 0
      try log?.append(step: count, [("token_entropy", Self.entropy(of: new))])
      session.observer(.step(stage: name, completed: count, total: total, metrics: []))
      let stops = group.any(session.interrupt.isRaised)
      if count == total || stops || ContinuousClock.now - saved > .seconds(Self.saveInterval) {
        if group.isFirst { try drawn.map { try save($0, path, session) } }
        saved = .now
      }
      if stops, count < total { throw RunInterrupted(checkpoint: path) }
    }
    return try complete(drawn, path)
  }

  private static func entropy(of tokens: TokenSet) -> Double {
    let vocabulary = Int(tokens.ids.values.max() ?? 0) + 1
    return Double(StepMetrics.entropy(counts: IndexTensor(tokens.ids).histogram(vocabulary)).item)
  }

  private func complete(_ drawn: TokenSet?, _ path: String) throws -> TokenSet {
    guard let drawn, drawn.count == total else {
      throw ArtifactError.wrongFormat(
        path: path, detail: "\(drawn?.count ?? 0) \(name) where the run wants \(total); remove the file")
    }
    return drawn
  }

  /// The sequences of earlier sessions, which the first process reads for all.
  private func existing(_ path: String, _ session: Session) throws -> TokenSet? {
    let group = ProcessGroup.current
    let found = try group.isFirst ? read(path, session) : nil
    let all = found.gathered(group, length: session.teacher.layout.count)
    return all.count > 0 ? all : nil
  }

  /// The sequences in the file; none where it is damaged, which is said.
  private func read(_ path: String, _ session: Session) throws -> TokenSet? {
    guard FileAccess.exists(path) else { return nil }
    do {
      try requireOrigin(path)
      return try TokenFile.read(path, for: session.teacher)
    } catch {
      let detail = try DamagedFile.detail(of: error, in: path)
      let place = try DamagedFile.setAside(path)
      session.observer(.warning("\(path): damaged (\(detail)); the \(name) are made anew, it is now \(place)"))
      return nil
    }
  }

  private func requireOrigin(_ path: String) throws {
    let recorded = try HDF5File(reading: path).attributes()
    for (attribute, value) in origin {
      // Files of earlier versions do not say everything.
      guard let found = recorded[attribute], found != .string(value) else { continue }
      throw ArtifactError.wrongFormat(
        path: path,
        detail: "its \(name) have another \(attribute) than this run, \(found.string ?? ""); remove the file")
    }
  }

  private func save(_ drawn: TokenSet, _ path: String, _ session: Session) throws {
    let writer = try HDF5Writer(path: path)
    try TokenFile.write(drawn, to: writer)
    for (attribute, value) in origin.sorted(by: { $0.key < $1.key }) {
      try writer.setAttribute(attribute, .string(value))
    }
    try writer.finish()
    session.observer(.saved(path: path))
  }
}

extension TokenSet? {
  /// The sequences of all processes, in the order of their numbers.
  /// - Parameter length: of a sequence.
  fileprivate func gathered(_ group: ProcessGroup, length: Int) -> TokenSet {
    let ids = Array(group.gather(self?.ids.values ?? []).joined())
    let labels = Array(group.gather(self?.labels ?? []).joined())
    return TokenSet(ids: IndexArray(ids, [labels.count, length]), labels: labels)
  }
}
