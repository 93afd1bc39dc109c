import Artifacts
import Foundation
import TensorCore

/// A start of a run: its beginning, or a resumption. `starts.jsonl` has a line for each.
struct RunStart: Codable, Equatable {
  /// When, in UTC.
  let time: String
  /// The command line.
  let command: String
  /// The program.
  let createdBy: String
  /// Processor, threads and kernels.
  let backend: String

  /// A start of now.
  init(command: String) {
    time = Date().formatted(.iso8601)
    self.command = command
    createdBy = DD2Version.description
    backend = Backends.current.summary
  }
}

extension RunDirectory {
  /// Adds a start to the record.
  /// - Parameter begun: what the run began on, for runs that recorded nothing but that.
  /// - Returns: one line on what is not as at the start before; nil where all is. Sums then run in another order, and the
  ///   run's numbers are no longer those, to the last bit, of one that was not interrupted.
  /// - Throws: `ArtifactError`.
  func record(_ start: RunStart, after begun: (createdBy: String, backend: String)?) throws -> String? {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let earlier = FileAccess.exists(startsPath) ? try FileAccess.contents(of: startsPath) : Data()
    let last = earlier.split(separator: UInt8(ascii: "\n")).last
      .flatMap { try? JSONDecoder().decode(RunStart.self, from: Data($0)) }
    try AtomicFile.write(earlier + (try encoder.encode(start)) + Data("\n".utf8), to: startsPath)
    guard let before = last.map({ (createdBy: $0.createdBy, backend: $0.backend) }) ?? begun else { return nil }
    let changes = [(before.createdBy, start.createdBy), (before.backend, start.backend)].filter { $0.0 != $0.1 }
    guard !changes.isEmpty else { return nil }
    return "the run goes on with \(changes.map(\.1).joined(separator: ", ")) where it had "
      + "\(changes.map(\.0).joined(separator: ", ")): results are equal bit for bit on the same processor, threads and "
      + "kernels only"
  }
}
