import Foundation
import TestSupport
import Testing

@testable import TensorCore

/// Which tokens stay, and which one is drawn.
@Suite struct ChoiceTests {
  /// VAR's `sample_with_top_k_top_p_` on a row, in Double.
  private static func isKept(_ logits: [Float], topK: Int, topP: Float) -> [Bool] {
    let x = logits.map(Double.init)
    let least = topK > 0 && topK < x.count ? x.sorted(by: >)[topK - 1] : -.infinity
    var isKept = x.map { $0 >= least }
    guard topP < 1 else { return isKept }
    // A stable sort leaves equal logits in their order, so that the earlier ones go first.
    let ascending = x.indices.sorted { x[$0] != x[$1] ? x[$0] < x[$1] : $0 < $1 }
    let weights = ascending.map { isKept[$0] ? exp(x[$0]) : 0 }
    let total = weights.reduce(0, +)
    var mass = 0.0
    for (token, weight) in zip(ascending, weights).dropLast() {
      mass += weight
      if mass / total <= 1 - Double(topP) { isKept[token] = false }
    }
    return isKept
  }

  /// The tokens that stay; all others must have become `removed`, and these be as before.
  private func kept(_ logits: [Float], topK: Int = 0, topP: Float = 1) -> [Int] {
    let found = keepingLikely(Tensor(logits, [logits.count]), topK: topK, topP: topP, removed: -77).elements
    for (x, y) in zip(logits, found) { #expect(y == x || y == -77) }
    return found.indices.filter { found[$0] != -77 }
  }

  @Test(arguments: [1, 7, 67, 1031], [0, 1, 5, 67, 2000]) func likelyTokensAreThoseOfVAR(V: Int, topK: Int) {
    let (B, l) = (3, 5)
    // Halves: many are equal.
    let logits = DoubleReference.values(B * l * V, seed: UInt64(V), scale: 3).map { Float(($0 * 2).rounded() / 2) }
    for topP: Float in [1, 0.93, 0.37, 1e-6] {
      let found = keepingLikely(Tensor(logits, [B, l, V]), topK: topK, topP: topP, removed: -1e9)
      let expected = stride(from: 0, to: logits.count, by: V).flatMap { start -> [Float] in
        let row = Array(logits[start..<start + V])
        return zip(row, Self.isKept(row, topK: topK, topP: topP)).map { $1 ? $0 : -1e9 }
      }
      #expect(found.shape == [B, l, V])
      #expect(found.elements == expected, "topP \(topP)")
    }
  }

  @Test func tiesWithTheLastOfTopKStay() {
    #expect(kept([3, 1, 2, 0, 2, 2], topK: 2) == [0, 2, 4, 5])
    #expect(kept([1, 1, 1], topK: 1) == [0, 1, 2])
  }

  @Test func ofEqualLogitsTopPRemovesTheEarlierOnesFirst() {
    #expect(kept([0, 0, 0, 0], topP: 0.5) == [2, 3])
    #expect(kept([0, 0, 0, 0], topP: 0.51) == [1, 2, 3])
    #expect(kept([0, 5, 0, 5], topP: 0.1) == [3])
    // Top-k first: what it removed has no mass.
    #expect(kept([0, 0, 0, -1, -1, -1], topK: 3, topP: 0.6) == [1, 2])
  }

  @Test func aTokenWithAllMassStaysAlone() {
    #expect(kept([-1e9, -1e9, 4, -1e9], topP: 0.999) == [2])
    #expect(kept([-.infinity, 4, -.infinity], topK: 3, topP: 0.999) == [1])
    #expect(kept([2], topK: 1, topP: 0.1) == [0])
  }

  /// The first token whose cumulative probability exceeds the number, in Double; the last possible one where none does.
  private static func drawn(_ logProbabilities: ArraySlice<Float>, _ number: Float) -> Int32 {
    let p = logProbabilities.map { exp(Double($0)) }
    var mass = 0.0
    let token = p.firstIndex {
      mass += $0
      return mass > Double(number)
    }
    return Int32(token ?? p.lastIndex { $0 > 0 } ?? 0)
  }

  @Test(arguments: [1, 2, 12, 67]) func tokensAreDrawnByTheCumulativeDistribution(V: Int) {
    let (B, l) = (5, 40)
    let logP = Tensor(doubles: DoubleReference.values(B * l * V, seed: 3, scale: 4), [B, l, V]).logSoftmax()
    let uniform = Tensor.uniform([B, l], low: 0, high: 1, seed: 2, purpose: "test")
    let (rows, numbers) = (logP.elements, uniform.elements)
    let expected = (0..<B * l).map { Self.drawn(rows[$0 * V..<($0 + 1) * V], numbers[$0]) }
    let found = drawTokens(logP, uniform: uniform)
    #expect(found.shape == [B, l] && found.values == expected)
  }

  /// A number in the middle of a token's own share, where one of 16,384 tokens has half the mass: sums of Floats are off
  /// by whole tokens there.
  @Test func rareTokensKeepTheirShare() {
    let V = 16_384
    let row = Tensor([log(Float(V - 1))] + [Float](repeating: 0, count: V - 1), [1, V]).logSoftmax()
    let p = row.elements.map { exp(Double($0)) }
    let tokens = Array(stride(from: 5, to: V, by: 64)) + [V - 1]
    var starts = [0.0]
    for share in p { starts.append(starts[starts.count - 1] + share) }
    let numbers = tokens.map { Float(starts[$0] + p[$0] / 2) }
    let found = drawTokens(row.broadcast(to: [tokens.count, V]), uniform: Tensor(numbers, [tokens.count]))
    #expect(found.values == tokens.map(Int32.init))
  }

  @Test func theFirstAndTheLastNumber() {
    let below1 = Float(1).nextDown
    let half = log(Float(0.5))
    func token(_ logP: [Float], _ number: Float) -> Int32 {
      drawTokens(Tensor(logP, [1, logP.count]), uniform: Tensor([number], [1])).values[0]
    }
    // Tokens of no mass are never drawn, neither at 0 nor behind the last.
    let row: [Float] = [-.infinity, -1e9, half, -1e9, half, -1e9, -.infinity]
    #expect(token(row, 0) == 2 && token(row, 0.49) == 2 && token(row, 0.51) == 4 && token(row, below1) == 4)
    for number in [0, 0.5, below1] { #expect(token([-1e9, 0, -1e9], number) == 1) }
    // Sums that rounding leaves below the number.
    let short = log(Float(0.3))
    #expect(token([short, short, -1e9, short, -.infinity], 0.95) == 3)
  }
}
