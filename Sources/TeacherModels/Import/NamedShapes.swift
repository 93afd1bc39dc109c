import Artifacts
import NN
import TensorCore

/// One state dictionary of a file, asked for names and shapes with the checks that an import needs: what a file claims
/// decides how much memory a network of its sizes would take.
struct NamedShapes: Sendable {
  let weights: WeightsFile

  /// The file, for messages.
  var path: String { weights.path }

  /// Whether there is a tensor of that name.
  func has(_ name: String) -> Bool { weights.entry(name) != nil }

  /// The extents of a tensor that must be there with `rank` axes.
  /// - Throws: `ArtifactError.wrongFormat`.
  func extents(_ name: String, rank: Int) throws -> [Int] {
    guard let shape = weights.entry(name)?.shape else { throw missing(name) }
    guard shape.count == rank, shape.allSatisfy({ Setting.extents.contains($0) }) else {
      throw wrong("\(name) has shape \(shape) where \(rank) axes of sensible length are expected")
    }
    return shape
  }

  /// One extent of a tensor that is the width of a layer.
  /// - Throws: `ArtifactError.wrongFormat`.
  func width(_ name: String, rank: Int, axis: Int) throws -> Int {
    let width = try extents(name, rank: rank)[axis]
    guard Setting.widths.contains(width) else {
      throw wrong("\(name) makes a layer of width \(width), more than any model's")
    }
    return width
  }

  /// The number of classes of a table with a row for each and one for 'no class'.
  /// - Throws: `ArtifactError.wrongFormat`.
  func classCount(_ name: String) throws -> Int {
    let rows = try extents(name, rank: 2)[0]
    guard rows >= 2 else { throw wrong("\(name) has one row where one for each class and one for none are expected") }
    return rows - 1
  }

  /// How many tensors of numbered names there are, from 0 without a gap.
  func count(_ name: (Int) -> String) -> Int {
    var count = 0
    while has(name(count)) { count += 1 }
    return count
  }

  /// How many layers there are, each with a tensor of the given shape: so much of the network is in the file.
  /// - Throws: `ArtifactError.wrongFormat` where there is none, or one of another shape.
  func layerCount(shape: [Int], _ name: (Int) -> String) throws -> Int {
    let count = count(name)
    guard count > 0 else { throw missing(name(0)) }
    for index in 0..<count {
      let found = try extents(name(index), rank: shape.count)
      guard found == shape else { throw wrong("\(name(index)) has shape \(found) where \(shape) is expected") }
    }
    return count
  }

  private func missing(_ name: String) -> ArtifactError {
    wrong(StateDictError.mismatch(missing: [name], unexpected: [], misshapen: []).description)
  }

  /// An error about this file.
  func wrong(_ detail: String) -> ArtifactError { .wrongFormat(path: path, detail: detail) }
}
