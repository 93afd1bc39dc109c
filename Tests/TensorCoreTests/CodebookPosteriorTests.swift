import Foundation
import TestSupport
import Testing

@testable import TensorCore

@Suite struct CodebookPosteriorTests {
  /// A small problem in Double: two tokens a sample, three noise levels.
  private struct Problem {
    let (K, B, L): (Int, Int, Int)
    let (V, D): (Int, Int)
    let x, t, logP, codebook: [Double]

    init(K: Int, B: Int, L: Int, V: Int, D: Int, times: [Double], near: Bool) {
      (self.K, self.B, self.L, self.V, self.D) = (K, B, L, V, D)
      let N = K * B * L
      codebook = DoubleReference.values(V * D, seed: 1, scale: 1.7)
      logP = DoubleReference.logSoftmax(DoubleReference.values(B * L * V, seed: 2, scale: 4), width: V)
        .map { Double(Float($0)) }
      let times = (0..<N).map { Double(Float(times[$0 % times.count])) }
      t = times
      let noise = DoubleReference.values(N * D, seed: 3, scale: 1.7)
      // Near: a noised code. Far: anywhere, so that exponents are large.
      let codebook = codebook
      x = (0..<N * D).map { index in
        let (row, d) = (index / D, index % D)
        let clean = near ? (1 - times[row]) * codebook[(row * 7 % V) * D + d] : 0
        return Double(Float(clean + (near ? times[row] : 1) * noise[index]))
      }
    }

    func posterior() -> (leaves: [Tensor], mean: Tensor) {
      let leaves = [
        Tensor(doubles: x, [K, B, L, D]).asLeaf(), Tensor(doubles: logP, [B, L, V]).asLeaf(),
      ]
      let mean = codebookPosteriorMean(
        leaves[0], t: Tensor(doubles: t, [K, B, L]), logProbabilities: leaves[1],
        codebook: Tensor(doubles: codebook, [V, D]))
      return (leaves, mean)
    }

    func reference(x: [Double], logP: [Double]) -> [Double] {
      DoubleReference.codebookPosteriorMean(x, t: t, logP: logP, codebook: codebook, V: V, D: D)
    }
  }

  @Test(arguments: [(37, 6), (256, 8), (1031, 8), (700, 32), (5, 1)], [true, false])
  func forwardMatchesDouble(size: (V: Int, D: Int), near: Bool) {
    let problem = Problem(
      K: 3, B: 3, L: 7, V: size.V, D: size.D, times: [0.02, 0.05, 0.2, 0.5, 0.9, 1], near: near)
    let mean = problem.posterior().mean
    #expect(mean.shape == [3, 3, 7, size.D])
    let expected = problem.reference(x: problem.x, logP: problem.logP)
    #expect(DoubleReference.mismatch(mean.elements, expected, tolerance: 5e-6) == nil)
  }

  /// Half-way between two codes at t = 0.02, where exponents of 1e4 differ by little: Float scores fail here.
  @Test func smallTimesKeepTheirDigits() {
    let D = 8
    let first = DoubleReference.values(D, seed: 5, scale: 3)
    let second = DoubleReference.values(D, seed: 6, scale: 3)
    let (t, far) = (Double(Float(0.02)), DoubleReference.values(D, seed: 7, scale: 3))
    let x = zip(first, second).map { Double(Float((1 - t) * ($0 + $1) / 2)) }
    let codebook = first + second + far
    let logP = [-1.0, -1, -1].map { Double(Float($0)) }
    let mean = codebookPosteriorMean(
      Tensor(doubles: x, [1, D]), t: Tensor(doubles: [t], [1]),
      logProbabilities: Tensor(doubles: logP, [1, 3]),
      codebook: Tensor(doubles: codebook, [3, D])
    ).elements
    let expected = DoubleReference.codebookPosteriorMean(x, t: [t], logP: logP, codebook: codebook, V: 3, D: D)
    #expect(DoubleReference.mismatch(mean, expected, tolerance: 2e-6) == nil)
    // Both codes must count, or the case tests nothing.
    let share = (expected[0] - second[0]) / (first[0] - second[0])
    #expect(share > 0.01 && share < 0.99)
  }

  @Test(arguments: [true, false]) func gradientsMatchCentralDifferences(near: Bool) {
    let problem = Problem(K: 2, B: 1, L: 3, V: 83, D: 6, times: [0.3, 0.6, 0.95], near: near)
    let weights = DoubleReference.values(problem.x.count, seed: 8)
    func taken(_ inputs: [Int]) -> [Tensor] {
      let (leaves, mean) = problem.posterior()
      return (mean * Tensor(doubles: weights, mean.shape)).sum().gradients(withRespectTo: inputs.map { leaves[$0] })
    }
    let gradients = taken([0, 1])
    let expectedX = DoubleReference.gradient(at: problem.x, weights: weights) {
      problem.reference(x: $0, logP: problem.logP)
    }
    let expectedLogP = DoubleReference.gradient(at: problem.logP, weights: weights) {
      problem.reference(x: problem.x, logP: $0)
    }
    #expect(DoubleReference.mismatch(gradients[0].elements, expectedX, tolerance: 1e-5) == nil)
    #expect(DoubleReference.mismatch(gradients[1].elements, expectedLogP, tolerance: 1e-5) == nil)
    // Alone, each is the same.
    for input in 0..<2 { #expect(taken([input])[0].elements == gradients[input].elements) }
  }

  /// Several tiles and row blocks, against the analytic gradient through a covariance in Double.
  @Test func gradientsAcrossTiles() {
    let problem = Problem(K: 2, B: 5, L: 9, V: 1500, D: 8, times: [0.1, 0.4, 0.8], near: true)
    let (leaves, mean) = problem.posterior()
    let weights = DoubleReference.values(problem.x.count, seed: 10)
    let gradients = mean.gradients(
      withRespectTo: leaves, seed: Tensor(doubles: weights, mean.shape))
    let expected = DoubleReference.codebookPosteriorMeanGradients(
      problem.x, t: problem.t, logP: problem.logP, codebook: problem.codebook, V: problem.V, D: problem.D,
      gradMean: weights)
    #expect(DoubleReference.mismatch(gradients[0].elements, expected.x, tolerance: 2e-5) == nil)
    #expect(DoubleReference.mismatch(gradients[1].elements, expected.logP, tolerance: 5e-6) == nil)
  }

  @Test func excludedCodesHaveNoWeight() {
    let mean = codebookPosteriorMean(
      Tensor([0.1, 0.2], [1, 2]), t: Tensor([0.5], [1]),
      logProbabilities: Tensor([-.infinity, 0, -.infinity], [1, 3]),
      codebook: Tensor([1, 1, 2, -3, 0, 0], [3, 2])
    ).elements
    #expect(mean == [2, -3])
  }

  @Test func velocityFollowsItsFormula() {
    let (x0, x, t): ([Double], [Double], [Double]) = ([1, -2, 0.5, 3], [0.25, 1, -1, 2], [0.5, 0.25])
    let velocity = flowVelocity(
      x0: Tensor(doubles: x0, [2, 2]), x_t: Tensor(doubles: x, [2, 2]), t: Tensor(doubles: t, [2])
    ).elements
    let expected = (0..<4).map { index -> Double in (x[index] - x0[index]) / t[index / 2] }
    #expect(DoubleReference.mismatch(velocity, expected, tolerance: 1e-6) == nil)
  }
}
