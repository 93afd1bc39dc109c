import TestSupport
import Testing

@testable import TensorCore

@Suite struct AttentionTests {
  /// The mask patterns in use, for L queries over L keys.
  static func visible(_ pattern: String, _ L: Int) -> [Int]? {
    switch pattern {
    case "all": return nil
    case "causal": return (0..<L).map { $0 + 1 }
    default:
      // Blocks of 1, 4, 9, ...: a token sees its own block and all before.
      var ends: [Int] = []
      var side = 1
      while ends.count < L {
        let end = min(ends.count + side * side, L)
        ends += [Int](repeating: end, count: end - ends.count)
        side += 1
      }
      return ends
    }
  }

  static func visibility(_ counts: [Int]?) -> Visibility { counts.map(Visibility.counts) ?? .all }

  /// The naive attention over packed rows.
  private func reference(
    _ qkv: [Double], _ size: DoubleReference.AttentionSize, scale: Double, visible: [Int]?
  ) -> [Double] {
    let parts = (0..<3).map { DoubleReference.unpack(qkv, $0, C: size.heads * size.d) }
    return DoubleReference.attention(parts[0], parts[1], parts[2], size, scale: scale, visible: visible)
  }

  @Test(arguments: ["all", "causal", "blocks"], [1, 37, 150])
  func packedMatchesDouble(pattern: String, L: Int) {
    let (B, heads, d) = (2, 3, 9)
    let C = heads * d
    let x = DoubleReference.values(B * L * 3 * C, seed: 1, scale: 2)
    let visible = Self.visible(pattern, L)
    let o = attention(
      packed: Tensor(doubles: x, [B, L, 3 * C]), heads: heads, scale: 0.4, visibility: Self.visibility(visible))
    let size = DoubleReference.AttentionSize(B: B, Lq: L, Lk: L, heads: heads, d: d)
    let expected = reference(x, size, scale: Double(Float(0.4)), visible: visible)
    #expect(DoubleReference.mismatch(o.elements, expected, tolerance: 3e-6) == nil)
  }

  @Test(arguments: ["all", "causal", "blocks"]) func packedGradientMatchesCentralDifferences(pattern: String) {
    let (B, L, heads, d) = (1, 41, 2, 3)
    let C = heads * d
    let x = DoubleReference.values(B * L * 3 * C, seed: 2)
    let weights = DoubleReference.values(B * L * C, seed: 3)
    let visible = Self.visible(pattern, L)
    let size = DoubleReference.AttentionSize(B: B, Lq: L, Lk: L, heads: heads, d: d)
    let leaf = Tensor(doubles: x, [B, L, 3 * C]).asLeaf()
    let actual = attention(packed: leaf, heads: heads, scale: 0.5, visibility: Self.visibility(visible))
      .gradients(withRespectTo: [leaf], seed: Tensor(doubles: weights, [B, L, C]))[0].elements
    let expected = DoubleReference.gradient(at: x, weights: weights) {
      reference($0, size, scale: 0.5, visible: visible)
    }
    #expect(DoubleReference.mismatch(actual, expected, tolerance: 1e-5) == nil)
  }

  @Test func separateOperandsMatchDouble() {
    let size = DoubleReference.AttentionSize(B: 2, Lq: 5, Lk: 11, heads: 2, d: 3)
    let C = size.heads * size.d
    let visible = [1, 11, 4, 4, 7]
    let shapes: [Shape] = [[2, 5, C], [2, 11, C], [2, 11, C]]
    let inputs = shapes.enumerated().map { DoubleReference.values($1.count, seed: UInt64(4 + $0)) }
    let weights = DoubleReference.values(shapes[0].count, seed: 7)
    let leaves = zip(inputs, shapes).map { Tensor(doubles: $0, $1).asLeaf() }
    func reference(_ x: [[Double]]) -> [Double] {
      DoubleReference.attention(x[0], x[1], x[2], size, scale: 0.5, visible: visible)
    }
    func run(_ x: [Tensor]) -> Tensor {
      attention(x[0], x[1], x[2], heads: 2, scale: 0.5, visibility: .counts(visible))
    }
    #expect(DoubleReference.mismatch(run(leaves).elements, reference(inputs), tolerance: 3e-6) == nil)
    let seed = Tensor(doubles: weights, shapes[0])
    for index in 0..<3 {
      let expected = DoubleReference.gradient(at: inputs[index], weights: weights) {
        var changed = inputs
        changed[index] = $0
        return reference(changed)
      }
      // The other two are constants: their gradients are skipped.
      let operands = leaves.enumerated().map { $0 == index ? $1 : $1.stopGradient() }
      let alone = run(operands).gradients(withRespectTo: [leaves[index]], seed: seed)[0].elements
      #expect(DoubleReference.mismatch(alone, expected, tolerance: 1e-5) == nil, "operand \(index)")
      #expect(run(leaves).gradients(withRespectTo: [leaves[index]], seed: seed)[0].elements == alone)
    }
  }

  @Test func cachedDecodingMatchesTheWholeSequence() {
    let (B, L, heads, C) = (2, 70, 2, 12)
    let parts = (0..<3).map {
      Tensor(doubles: DoubleReference.values(B * L * C, seed: UInt64(10 + $0)), [B, L, C])
    }
    let causal = (0..<L).map { $0 + 1 }
    let whole = attention(parts[0], parts[1], parts[2], heads: heads, scale: 0.3, visibility: .counts(causal)).elements
    func rows(_ tensor: Tensor, _ range: Range<Int>) -> Tensor {
      let all = tensor.elements
      let kept = (0..<B).flatMap { b -> ArraySlice<Float> in
        let start = b * L * C
        return all[start + range.lowerBound * C..<start + range.upperBound * C]
      }
      return Tensor(kept, [B, range.count, C])
    }
    for i in [0, 1, 31, 32, 69] {
      let step = attention(
        rows(parts[0], i..<i + 1), rows(parts[1], 0..<i + 1), rows(parts[2], 0..<i + 1), heads: heads,
        scale: 0.3)
      let expected = rows(Tensor(whole, [B, L, C]), i..<i + 1).elements.map { Double($0) }
      #expect(DoubleReference.mismatch(step.elements, expected, tolerance: 2e-6) == nil, "token \(i)")
    }
  }

  /// Buffers of the whole sequence, whose later rows hold what must not matter, against what each query sees alone.
  @Test(arguments: [(0, 1), (31, 1), (69, 1), (0, 70), (40, 3), (64, 6)])
  func queriesFromAPositionSeeWhatCountsSay(position: Int, l: Int) {
    let (B, L, heads, C) = (2, 70, 2, 12)
    let q = Tensor(doubles: DoubleReference.values(B * l * C, seed: 13), [B, l, C])
    let (k, v) = (DoubleReference.values(B * L * C, seed: 14), DoubleReference.values(B * L * C, seed: 15))
    let counts = (0..<l).map { position + $0 + 1 }
    func attended(_ k: [Double], _ v: [Double], _ visibility: Visibility, at position: Int?) -> [Float] {
      attention(
        q, Tensor(doubles: k, [B, L, C]), Tensor(doubles: v, [B, L, C]), heads: heads, scale: 0.3,
        visibility: visibility, position: position.map(IndexTensor.scalar)
      ).elements
    }
    let found = attended(k, v, .fromPosition, at: position)
    #expect(found == attended(k, v, .counts(counts), at: nil))
    let size = DoubleReference.AttentionSize(B: B, Lq: l, Lk: L, heads: heads, d: C / heads)
    let expected = DoubleReference.attention(
      q.elements.map(Double.init), k, v, size, scale: Double(Float(0.3)), visible: counts)
    #expect(DoubleReference.mismatch(found, expected, tolerance: 3e-6) == nil)
    func spoiled(_ x: [Double]) -> [Double] {
      x.enumerated().map { $0 / C % L < position + l ? $1 : 1e6 }
    }
    #expect(attended(spoiled(k), spoiled(v), .fromPosition, at: position) == found)
  }

  @Test(arguments: ["causal", "blocks"]) func laterTokensDoNotMatter(pattern: String) throws {
    let (L, C) = (60, 8)
    let visible = try #require(Self.visible(pattern, L))
    var x = DoubleReference.values(L * 3 * C, seed: 20)
    let before = attention(packed: Tensor(doubles: x, [1, L, 3 * C]), heads: 2, scale: 1, visibility: .counts(visible))
      .elements
    let changed = 30
    for index in changed * 3 * C..<x.count { x[index] = 1e6 }
    let after = attention(packed: Tensor(doubles: x, [1, L, 3 * C]), heads: 2, scale: 1, visibility: .counts(visible))
      .elements
    let safe = visible.firstIndex { $0 > changed } ?? L
    #expect(safe == 30)
    #expect(before[..<(safe * C)] == after[..<(safe * C)])
    #expect(before[(safe * C)...] != after[(safe * C)...])
  }
}
