import TestSupport
import Testing

@testable import TensorCore

extension Tensor {
  /// A tensor of Doubles that Float represents.
  init(doubles: [Double], _ shape: Shape) { self.init(doubles.map { Float($0) }, shape) }
}

/// Row widths around the vector width, and a long one.
@Suite struct SoftmaxTests {
  @Test(arguments: [1, 5, 32, 67, 1031])
  func forwardMatchesDouble(width: Int) {
    let x = DoubleReference.values(3 * width, seed: 1, scale: 30)
    let tensor = Tensor(doubles: x, [3, width])
    let p = DoubleReference.mismatch(
      tensor.softmax().elements, DoubleReference.softmax(x, width: width), tolerance: 2e-6)
    #expect(p == nil)
    let logP = DoubleReference.mismatch(
      tensor.logSoftmax().elements, DoubleReference.logSoftmax(x, width: width), tolerance: 2e-6)
    #expect(logP == nil)
  }

  @Test func crossEntropyMatchesDouble() {
    let x = DoubleReference.values(2 * 3 * 67, seed: 2, scale: 20)
    let targets: [Int32] = [0, 66, 5, 33, 1, 64]
    let loss = crossEntropy(Tensor(doubles: x, [2, 3, 67]), targets: IndexTensor(targets, [2, 3]))
    #expect(loss.shape == [2, 3])
    let reference = DoubleReference.crossEntropy(x, targets: targets, width: 67)
    #expect(DoubleReference.mismatch(loss.elements, reference, tolerance: 2e-6) == nil)
  }

  @Test func excludedLogitsHaveNoWeight() {
    let p = Tensor([0, -.infinity, 0, -.infinity], [1, 4]).softmax()
    #expect(p.elements == [0.5, 0, 0.5, 0])
  }

  @Test func gradientsMatchCentralDifferences() {
    let (rows, width) = (3, 37)
    let x = DoubleReference.values(rows * width, seed: 3, scale: 3)
    let weights = DoubleReference.values(rows * width, seed: 4)
    let leaf = Tensor(doubles: x, [rows, width]).asLeaf()
    let seed = Tensor(doubles: weights, [rows, width])
    for (y, reference) in [
      (leaf.softmax(), DoubleReference.softmax), (leaf.logSoftmax(), DoubleReference.logSoftmax),
    ] {
      let expected = DoubleReference.gradient(at: x, weights: weights) { reference($0, width) }
      let actual = y.gradients(withRespectTo: [leaf], seed: seed)[0].elements
      #expect(DoubleReference.mismatch(actual, expected, tolerance: 1e-5) == nil)
    }
  }

  @Test func crossEntropyGradientMatchesCentralDifferences() {
    let x = DoubleReference.values(3 * 37, seed: 5, scale: 3)
    let targets: [Int32] = [36, 0, 17]
    let weights = DoubleReference.values(3, seed: 6)
    let leaf = Tensor(doubles: x, [3, 37]).asLeaf()
    let actual = crossEntropy(leaf, targets: IndexTensor(targets, [3]))
      .gradients(withRespectTo: [leaf], seed: Tensor(doubles: weights, [3]))[0].elements
    let expected = DoubleReference.gradient(at: x, weights: weights) {
      DoubleReference.crossEntropy($0, targets: targets, width: 37)
    }
    #expect(DoubleReference.mismatch(actual, expected, tolerance: 1e-5) == nil)
  }
}
