import TestSupport
import Testing

@testable import TensorCore

@Suite struct NormTests {
  private static let epsilon = 1e-3

  /// Element by element against the Double reference, then each gradient against its central differences.
  private func check(
    _ inputs: [[Double]], shapes: [Shape], output: Shape, _ op: ([Tensor]) -> Tensor,
    _ reference: ([[Double]]) -> [Double]
  ) {
    let leaves = zip(inputs, shapes).map { Tensor(doubles: $0, $1).asLeaf() }
    let y = op(leaves)
    #expect(y.shape == output)
    #expect(DoubleReference.mismatch(y.elements, reference(inputs), tolerance: 3e-6) == nil)
    let weights = DoubleReference.values(output.count, seed: 99)
    let gradients = y.gradients(withRespectTo: leaves, seed: Tensor(doubles: weights, output))
    for (index, gradient) in gradients.enumerated() {
      let expected = DoubleReference.gradient(at: inputs[index], weights: weights) {
        var changed = inputs
        changed[index] = $0
        return reference(changed)
      }
      #expect(gradient.shape == shapes[index])
      #expect(DoubleReference.mismatch(gradient.elements, expected, tolerance: 2e-5) == nil, "input \(index)")
    }
    // One input at a time: what is not wanted is skipped and changes nothing.
    for (index, whole) in gradients.enumerated() {
      let constants = leaves.enumerated().map { $0 == index ? $1 : $1.stopGradient() }
      let alone = op(constants).gradients(
        withRespectTo: [leaves[index]], seed: Tensor(doubles: weights, output))
      #expect(alone[0].elements == whole.elements)
    }
  }

  private func normalized(_ x: [Double], _ width: Int, isCentred: Bool = true) -> [Double] {
    DoubleReference.normalizeRows(x, width: width, isCentred: isCentred, epsilon: Self.epsilon)
  }

  @Test(arguments: [1, 19, 67]) func layerNormMatchesDouble(width: Int) {
    let rows = 21
    let x = DoubleReference.values(rows * width, seed: 1).map { $0 + 0.5 }
    let (weight, bias) = (DoubleReference.values(width, seed: 2), DoubleReference.values(width, seed: 3))
    check(
      [x, weight, bias], shapes: [[3, 7, width], [width], [width]], output: [3, 7, width],
      { layerNorm($0[0], weight: $0[1], bias: $0[2], epsilon: Float(Self.epsilon)) },
      {
        DoubleReference.affineRows(
          normalized($0[0], width), factor: $0[1], shift: $0[2], width: width, rowsPerGroup: rows)
      })
  }

  @Test func layerNormWithoutWeightOrBias() {
    let x = DoubleReference.values(5 * 19, seed: 4)
    let vector = DoubleReference.values(19, seed: 5)
    let ones = [Double](repeating: 1, count: 19)
    check(
      [x], shapes: [[5, 19]], output: [5, 19], { layerNorm($0[0], epsilon: Float(Self.epsilon)) },
      { normalized($0[0], 19) })
    check(
      [x, vector], shapes: [[5, 19], [19]], output: [5, 19],
      { layerNorm($0[0], bias: $0[1], epsilon: Float(Self.epsilon)) },
      {
        DoubleReference.affineRows(
          normalized($0[0], 19), factor: ones, shift: $0[1], width: 19, rowsPerGroup: 5)
      })
    check(
      [x, vector], shapes: [[5, 19], [19]], output: [5, 19],
      { layerNorm($0[0], weight: $0[1], epsilon: Float(Self.epsilon)) },
      {
        DoubleReference.affineRows(
          normalized($0[0], 19), factor: $0[1], shift: nil, width: 19, rowsPerGroup: 5)
      })
  }

  @Test(arguments: [(1, 40), (3, 17), (5, 1)])
  func layerNormModulateMatchesDouble(B: Int, L: Int) {
    let C = 21
    let x = DoubleReference.values(B * L * C, seed: 6)
    let (scale, shift) = (DoubleReference.values(B * C, seed: 7), DoubleReference.values(B * C, seed: 8))
    check(
      [x, scale, shift], shapes: [[B, L, C], [B, C], [B, C]], output: [B, L, C],
      { layerNormModulate($0[0], scale_BC: $0[1], shift_BC: $0[2], epsilon: Float(Self.epsilon)) },
      {
        DoubleReference.affineRows(
          normalized($0[0], C), factor: $0[1].map { 1 + $0 }, shift: $0[2], width: C, rowsPerGroup: L)
      })
  }

  @Test func rmsNormMatchesDouble() {
    let x = DoubleReference.values(21 * 35, seed: 9).map { $0 + 0.3 }
    check(
      [x, DoubleReference.values(35, seed: 10)], shapes: [[21, 35], [35]], output: [21, 35],
      { rmsNorm($0[0], weight: $0[1], epsilon: Float(Self.epsilon)) },
      {
        DoubleReference.affineRows(
          normalized($0[0], 35, isCentred: false), factor: $0[1], shift: nil, width: 35, rowsPerGroup: 21)
      })
  }

  @Test(arguments: [(1, 40), (3, 17)]) func gatedResidualMatchesDouble(B: Int, L: Int) {
    let C = 21
    let (x, y) = (DoubleReference.values(B * L * C, seed: 11), DoubleReference.values(B * L * C, seed: 12))
    check(
      [x, y, DoubleReference.values(B * C, seed: 13)], shapes: [[B, L, C], [B, L, C], [B, C]],
      output: [B, L, C],
      { gatedResidual($0[0], $0[1], gate_BC: $0[2]) },
      { inputs in
        zip(
          inputs[0],
          DoubleReference.affineRows(inputs[1], factor: inputs[2], shift: nil, width: C, rowsPerGroup: L)
        ).map(+)
      })
  }
}
