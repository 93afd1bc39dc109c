import Artifacts
import NN
import Sampling

/// Keeps the generator with the lowest FID of a run in a file. What the file says of itself decides, so that a resumed run
/// goes on from the best of all its sessions.
final class BestGenerator {
  /// Writes averaged weights with facts about them to a path.
  typealias Writer = (_ averaged: StateDict, _ facts: [String: String], _ path: String) throws -> Void

  private let path: String
  private let write: Writer
  private var best: Double?

  private static let fidName = "fid"
  private static let stepName = "step"

  /// - Throws: `ArtifactError` where the file is there and cannot be read: a worse one would replace it.
  init(path: String, write: @escaping Writer) throws {
    self.path = path
    self.write = write
    guard FileAccess.exists(path) else { return }
    let file = try Checkpoint.load(from: path, expectingKind: GeneratorFile.kind, groups: [])
    best = file.metadata[Self.fidName].flatMap(Double.init)
  }

  /// Writes the weights if they scored better than all before.
  /// - Throws: `ArtifactError`.
  func offer(_ averaged: StateDict, step: Int, fid: Double) throws {
    if let best, fid >= best { return }
    try write(averaged, [Self.fidName: String(fid), Self.stepName: String(step)], path)
    best = fid
  }
}
