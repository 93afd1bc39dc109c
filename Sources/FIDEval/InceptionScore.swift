import Foundation

/// Mean and deviation of a metric over parts of the images or repeated draws.
public struct MeanAndDeviation: Equatable, Sendable {
  public let mean: Double
  /// Of the parts as the whole population (divided by their number).
  public let deviation: Double

  init(_ values: [Double]) {
    let mean = values.reduce(0, +) / Double(values.count)
    self.mean = mean
    deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
  }
}

/// Inception Score (Salimans et al. 2016): `exp E_x KL(p(y|x) || p(y))` of each of `splits` parts of the shuffled images.
///
/// Shuffle and parts are torch-fidelity's (`metric_isc.py`), softmax and sums in Double.
/// - Parameters:
///   - logits: class logits (N, C), without the classifier's bias.
///   - seed: of the shuffle.
/// - Throws: `FIDError.tooFewFor` for fewer images than parts, `ArtifactError.inputOutput`.
public func inceptionScore(_ logits: FeatureStore, splits: Int = 10, seed: UInt32) throws -> MeanAndDeviation {
  precondition(splits > 0, "inceptionScore: \(splits) splits")
  let N = logits.count
  guard N >= splits else {
    throw FIDError.tooFewFor(
      Metric.inceptionScore.title, needed: splits, found: N, place: "the generated images")
  }
  var random = NumPyRandom(seed: seed)
  let order = random.permutation(N)
  let scores = try (0..<splits).map { split in
    try score(logits, order[split * N / splits..<(split + 1) * N / splits])
  }
  return MeanAndDeviation(scores)
}

/// `E KL = E sum p log p - sum q log q` with q the mean of p, so that one pass is enough.
private func score(_ logits: FeatureStore, _ images: ArraySlice<Int>) throws -> Double {
  let C = logits.dimension
  var mean = [Double](repeating: 0, count: C)
  var negativeEntropy = 0.0
  for image in images {
    let row = try logits.rows(image..<image + 1)
    let largest = row.max() ?? 0
    let exponentials = row.map { exp($0 - largest) }
    let total = exponentials.reduce(0, +)
    for c in 0..<C {
      let p = exponentials[c] / total
      mean[c] += p
      negativeEntropy += p * (row[c] - largest - log(total))
    }
  }
  let count = Double(images.count)
  let marginal = mean.reduce(0) { sum, total in
    let q = total / count
    return q > 0 ? sum + q * log(q) : sum
  }
  return exp(negativeEntropy / count - marginal)
}
