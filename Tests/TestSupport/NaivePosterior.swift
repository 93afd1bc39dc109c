import Foundation

extension DoubleReference {
  /// The codebook posterior's mean by its definition: x (levels, rows, D), t (levels, rows), logP (rows, V), codebook (V, D).
  public static func codebookPosteriorMean(
    _ x: [Double], t: [Double], logP: [Double], codebook: [Double], V: Int, D: Int
  ) -> [Double] {
    let tokens = logP.count / V
    return rows(x, D).enumerated().flatMap { index, x -> [Double] in
      let (row, t) = (index % tokens, t[index])
      let scores = (0..<V).map { j in
        logP[row * V + j]
          - (0..<D).reduce(0) { $0 + pow(x[$1] - (1 - t) * codebook[j * D + $1], 2) } / (2 * t * t)
      }
      let top = scores.max() ?? 0
      let sum = scores.reduce(0) { $0 + exp($1 - top) }
      return (0..<D).map { d in
        (0..<V).reduce(0) { $0 + exp(scores[$1] - top) / sum * codebook[$1 * D + d] }
      }
    }
  }

  /// Gradients of `sum gradMean mean` through the covariance of the weights, term by term.
  public static func codebookPosteriorMeanGradients(
    _ x: [Double], t: [Double], logP: [Double], codebook: [Double], V: Int, D: Int, gradMean: [Double]
  ) -> (x: [Double], logP: [Double]) {
    let tokens = logP.count / V
    let means = codebookPosteriorMean(x, t: t, logP: logP, codebook: codebook, V: V, D: D)
    var (gradX, gradLogP) = (
      [Double](repeating: 0, count: x.count), [Double](repeating: 0, count: logP.count)
    )
    for index in t.indices {
      let (row, t, base) = (index % tokens, t[index], index * D)
      let scores = (0..<V).map { j in
        logP[row * V + j]
          - (0..<D).reduce(0) { $0 + pow(x[base + $1] - (1 - t) * codebook[j * D + $1], 2) } / (2 * t * t)
      }
      for (j, weight) in softmax(scores, width: V).enumerated() {
        let along = (0..<D).reduce(0) { $0 + (codebook[j * D + $1] - means[base + $1]) * gradMean[base + $1] }
        gradLogP[row * V + j] += weight * along
        for d in 0..<D {
          gradX[base + d] += (1 - t) / (t * t) * weight * along * (codebook[j * D + d] - means[base + d])
        }
      }
    }
    return (gradX, gradLogP)
  }
}
