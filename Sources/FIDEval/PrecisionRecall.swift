import TensorCore

/// Improved precision and recall, each in [0, 1].
public struct PrecisionRecall: Equatable, Sendable {
  /// Part of the generated images that lie in the reference's manifold.
  public let precision: Double
  /// Part of the reference images that lie in the manifold of the generated ones.
  public let recall: Double
  /// The k of the nearest neighbour that gives a ball its radius.
  public let neighbours: Int
}

/// Improved precision and recall (Kynkaanniemi et al. 2019, section 3): a set's manifold is the union of balls around
/// its features that just reach the k-th nearest other feature of the set.
///
/// Distances are computed tile by tile, in Double: the memory is that of three tiles whatever the number of images, and
/// no image changes sides by rounding.
/// - Parameters:
///   - generated: features (N, F).
///   - reference: features (M, F).
///   - neighbours: k.
///   - tile: samples at a time.
///   - progress: called with the tiles done and their number; throws to stop.
/// - Throws: `FIDError.tooFewFor` for k images or fewer, `.differentDimensions`, `ArtifactError.inputOutput`.
public func precisionRecall(
  _ generated: FeatureStore, _ reference: FeatureStore, neighbours: Int = 3, tile: Int = 2048,
  progress: (Int, Int) throws -> Void = { _, _ in }
) throws -> PrecisionRecall {
  guard generated.dimension == reference.dimension else {
    throw FIDError.differentDimensions(generated.dimension, reference.dimension)
  }
  for (count, place) in [(generated.count, "the generated images"), (reference.count, "the reference")]
  where count <= neighbours {
    throw FIDError.tooFewFor(
      Metric.precisionRecall.title, needed: neighbours + 1, found: count, place: place)
  }
  let (G, R) = (tiles(generated, tile), tiles(reference, tile))
  let total = G.count * (G.count + 1) / 2 + R.count * (R.count + 1) / 2 + G.count * R.count
  var done = 0
  func step() throws {
    done += 1
    try progress(done, total)
  }
  let generatedRadii = try squaredRadii(generated, G, k: neighbours, step)
  let referenceRadii = try squaredRadii(reference, R, k: neighbours, step)
  var isPrecise = [Bool](repeating: false, count: generated.count)
  var isRecalled = [Bool](repeating: false, count: reference.count)
  for left in G {
    let a = try Tile(generated, left)
    for right in R {
      let b = try Tile(reference, right)
      let distances = a.squaredDistances(to: b)
      for i in left {
        for j in right {
          let distance = distances[(i - left.lowerBound) * right.count + j - right.lowerBound]
          if distance <= referenceRadii[j] { isPrecise[i] = true }
          if distance <= generatedRadii[i] { isRecalled[j] = true }
        }
      }
      try step()
    }
  }
  func part(_ flags: [Bool]) -> Double { Double(flags.count { $0 }) / Double(flags.count) }
  return PrecisionRecall(precision: part(isPrecise), recall: part(isRecalled), neighbours: neighbours)
}

private func tiles(_ store: FeatureStore, _ size: Int) -> [Range<Int>] {
  stride(from: 0, to: store.count, by: size).map { $0..<min($0 + size, store.count) }
}

/// Squared distance of each sample to its k-th nearest other one; each pair of tiles is visited once.
private func squaredRadii(
  _ store: FeatureStore, _ tiles: [Range<Int>], k: Int, _ step: () throws -> Void
) throws -> [Double] {
  // The k smallest so far, ascending.
  var nearest = [Double](repeating: .infinity, count: store.count * k)
  func insert(_ distance: Double, at sample: Int) {
    var slot = sample * k + k - 1
    guard distance < nearest[slot] else { return }
    while slot > sample * k, nearest[slot - 1] > distance {
      nearest[slot] = nearest[slot - 1]
      slot -= 1
    }
    nearest[slot] = distance
  }
  for (index, left) in tiles.enumerated() {
    let a = try Tile(store, left)
    for right in tiles[index...] {
      let b = left == right ? a : try Tile(store, right)
      let distances = a.squaredDistances(to: b)
      for i in left {
        for j in right where left != right || i != j {
          let distance = distances[(i - left.lowerBound) * right.count + j - right.lowerBound]
          insert(distance, at: i)
          if left != right { insert(distance, at: j) }
        }
      }
      try step()
    }
  }
  return (0..<store.count).map { nearest[$0 * k + k - 1] }
}

/// Some samples and their squared lengths.
private struct Tile {
  let rows: [Double]
  let squares: [Double]
  let width: Int

  init(_ store: FeatureStore, _ range: Range<Int>) throws {
    let (rows, width) = (try store.rows(range), store.dimension)
    (self.rows, self.width) = (rows, width)
    squares = (0..<range.count).map { row in
      rows[row * width..<(row + 1) * width].reduce(0) { $0 + $1 * $1 }
    }
  }

  /// `|a - b|^2 = |a|^2 + |b|^2 - 2 a . b`, (rows, other's rows).
  func squaredDistances(to other: Tile) -> [Double] {
    let (m, n) = (squares.count, other.squares.count)
    var result = matmulDouble(rows, other.rows, m: m, n: n, k: width, transposeB: true)
    for i in 0..<m {
      for j in 0..<n { result[i * n + j] = max(0, squares[i] + other.squares[j] - 2 * result[i * n + j]) }
    }
    return result
  }
}
