import Artifacts
import Foundation
import TensorCore

/// A start of a run: its beginning, or a resumption. `starts.jsonl` has a line for each.
package struct RunStart: Codable, Equatable {
  /// When, in UTC.
  package let time: String
  /// The command line.
  let command: String
  /// The program.
  package let createdBy: String
  /// The commit that it was built from, where that is known.
  package let commit: String?
  /// Processor, threads and kernels.
  package let backend: String

  /// A start of now.
  init(command: String) {
    time = Date().formatted(.iso8601)
    self.command = command
    createdBy = DD2Version.description
    commit = DD2Version.commit
    backend = Backends.current.summary
  }
}

extension RunDirectory {
  /// The starts that are recorded, in order; a line that is not understood is left out.
  /// - Throws: `ArtifactError` where the record cannot be read.
  package func starts() throws -> [RunStart] {
    guard FileAccess.exists(startsPath) else { return [] }
    return try FileAccess.contents(of: startsPath).split(separator: UInt8(ascii: "\n"))
      .compactMap { try? JSONDecoder().decode(RunStart.self, from: Data($0)) }
  }

  /// Adds a start to the record.
  /// - Parameter begun: what the run began on, for runs that recorded nothing but that.
  /// - Returns: one line on what is not as at the start before; nil where all is. Sums then run in another order, and the
  ///   run's numbers are no longer those, to the last bit, of one that was not interrupted.
  /// - Throws: `ArtifactError`.
  func record(_ start: RunStart, after begun: (createdBy: String, backend: String)?) throws -> String? {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let earlier = FileAccess.exists(startsPath) ? try FileAccess.contents(of: startsPath) : Data()
    let last = try starts().last
    try AtomicFile.write(earlier + (try encoder.encode(start)) + Data("\n".utf8), to: startsPath)
    guard let before = last.map({ (createdBy: $0.createdBy, backend: $0.backend) }) ?? begun else { return nil }
    let (old, new) = (Self.parts(before), Self.parts((start.createdBy, start.backend)))
    guard old != new else { return nil }
    let (gone, come) = (old.filter { !new.contains($0) }, new.filter { !old.contains($0) })
    return
      "the run goes on with \(come.joined(separator: ", ")) where it had \(gone.joined(separator: ", ")): its numbers "
      + "are no longer, bit for bit, those of a run that was not interrupted"
  }

  private static func parts(_ place: (createdBy: String, backend: String)) -> [String] {
    [place.createdBy] + place.backend.split(separator: ", ").map(String.init)
  }
}
