import Foundation
import TestSupport
import Testing

@testable import TensorCore

@Suite struct RotaryTests {
  private static let (B, L, heads, d) = (2, 13, 3, 6)
  private static let C = heads * d

  @Test func normalizeQKMatchesDouble() {
    let (B, L, heads, d) = (Self.B, Self.L, Self.heads, Self.d)
    let shape: Shape = [B, L, 3 * Self.C]
    let x = DoubleReference.values(shape.count, seed: 1)
    let scale = DoubleReference.values(heads, seed: 2).map { $0 + 4 }
    let weights = DoubleReference.values(shape.count, seed: 3)
    let (leaf, scaleLeaf) = (Tensor(doubles: x, shape).asLeaf(), Tensor(doubles: scale, [heads]).asLeaf())
    let y = normalizeQK(packed: leaf, heads: heads, scale_H: scaleLeaf)
    let reference = DoubleReference.normalizeQK(x, scale: scale, heads: heads, d: d)
    #expect(DoubleReference.mismatch(y.elements, reference, tolerance: 2e-6) == nil)
    let gradients = y.gradients(withRespectTo: [leaf, scaleLeaf], seed: Tensor(doubles: weights, shape))
    let expectedX = DoubleReference.gradient(at: x, weights: weights) {
      DoubleReference.normalizeQK($0, scale: scale, heads: heads, d: d)
    }
    let expectedScale = DoubleReference.gradient(at: scale, weights: weights) {
      DoubleReference.normalizeQK(x, scale: $0, heads: heads, d: d)
    }
    #expect(DoubleReference.mismatch(gradients[0].elements, expectedX, tolerance: 2e-5) == nil)
    #expect(DoubleReference.mismatch(gradients[1].elements, expectedScale, tolerance: 1e-5) == nil)
  }

  @Test func aZeroVectorStaysZero() {
    let leaf = Tensor.zeros([1, 1, 12]).asLeaf()
    let y = normalizeQK(packed: leaf, heads: 1, scale_H: Tensor([2], [1]))
    #expect(y.elements == [Float](repeating: 0, count: 12))
    let gradient = y.gradients(withRespectTo: [leaf], seed: Tensor(repeating: 1, [1, 1, 12]))[0]
    let isFinite = gradient.elements.allSatisfy { $0.isFinite }
    #expect(isFinite)
  }

  /// Tables whose first row is zero, as LlamaGen's class token has it.
  private func tables(_ positions: Int) -> (cosine: [Double], sine: [Double]) {
    let angles = DoubleReference.values(positions * Self.d / 2, seed: 4, scale: 3)
    let first = Self.d / 2
    return (
      angles.enumerated().map { $0 < first ? 0 : Double(Float(cos($1))) },
      angles.enumerated().map { $0 < first ? 0 : Double(Float(sin($1))) }
    )
  }

  @Test(arguments: [0, 4]) func rotationMatchesDouble(offset: Int) {
    let (B, L, heads, d) = (Self.B, Self.L, Self.heads, Self.d)
    let width = 3 * Self.C
    let positions = L + offset + 2
    let (cosine, sine) = tables(positions)
    let x = DoubleReference.values(B * L * width, seed: 5)
    let weights = DoubleReference.values(B * L * width, seed: 6)
    func reference(_ x: [Double]) -> [Double] {
      DoubleReference.rotary(
        x, width: width, L: L, d: d, rotatedHeads: 2 * heads, cosine: cosine, sine: sine,
        offset: offset)
    }
    let (c, s) = (Tensor(doubles: cosine, [positions, d / 2]), Tensor(doubles: sine, [positions, d / 2]))
    let leaf = Tensor(doubles: x, [B, L, width]).asLeaf()
    let y = rotaryEmbedding(packed: leaf, heads: heads, cosine: c, sine: s, position: .scalar(offset))
    #expect(DoubleReference.mismatch(y.elements, reference(x), tolerance: 1e-6) == nil)
    let gradient = y.gradients(withRespectTo: [leaf], seed: Tensor(doubles: weights, [B, L, width]))[0]
    let expected = DoubleReference.gradient(at: x, weights: weights, reference)
    #expect(DoubleReference.mismatch(gradient.elements, expected, tolerance: 1e-6) == nil)
    if offset == 0 {
      let first = Array(y.elements[..<(2 * Self.C)])
      #expect(first == [Float](repeating: 0, count: first.count))
    }
  }
}
