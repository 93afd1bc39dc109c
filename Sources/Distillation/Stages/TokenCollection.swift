import Artifacts
import DD2Teacher
import Foundation
import TeacherModels
import TensorCore
import Training

/// Token sequences that a run draws once and keeps: a file that grows batch by batch, so that an interrupted run goes on
/// from what it has.
///
/// The file holds `ids` (N, L) and `labels` (N) as token files do (`TokenFile`), and in its attributes what its sequences
/// follow from.
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
    let path = session.run.directory.path + "/\(name).h5"
    var drawn = try existing(path, session)
    session.observer(.started(stage: name, completed: drawn?.count ?? 0, total: total))
    guard (drawn?.count ?? 0) < total else {
      try session.time.resume(session.run.directory)
      return try complete(drawn, path)
    }
    let draw = try drawer()
    let log = try StageLog(
      session.run.directory, stage: name, resumingAfter: drawn?.count ?? 0, time: session.time)
    var saved = ContinuousClock.now
    while true {
      let start = drawn?.count ?? 0
      let new = try log.timed { try draw(start..<min(start + batch, total)) }
      if drawn == nil { drawn = new } else { drawn?.append(new) }
      let count = start + new.count
      let vocabulary = Int(new.ids.values.max() ?? 0) + 1
      let entropy = StepMetrics.entropy(counts: IndexTensor(new.ids).histogram(vocabulary)).item
      try log.append(step: count, [("token_entropy", Double(entropy))])
      session.observer(.step(stage: name, completed: count, total: total, metrics: []))
      let stops = session.interrupt.isRaised
      if count == total || stops || ContinuousClock.now - saved > .seconds(Self.saveInterval) {
        try drawn.map { try save($0, path, session) }
        saved = .now
      }
      if count == total { return try complete(drawn, path) }
      if stops { throw RunInterrupted(checkpoint: path) }
    }
  }

  private func complete(_ drawn: TokenSet?, _ path: String) throws -> TokenSet {
    guard let drawn, drawn.count == total else {
      throw ArtifactError.wrongFormat(
        path: path, detail: "\(drawn?.count ?? 0) \(name) where the run wants \(total); remove the file")
    }
    return drawn
  }

  /// The sequences of earlier sessions; none where their file is damaged, which is said.
  private func existing(_ path: String, _ session: Session) throws -> TokenSet? {
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
