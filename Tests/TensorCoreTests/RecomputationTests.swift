import TestSupport
import Testing

@testable import TensorCore

@Suite("Recomputation") struct RecomputationTests {
  private let x = SyntheticWeights.tensor("x", [3, 4])
  private let weight = SyntheticWeights.tensor("weight", [4, 4])
  private let shift = SyntheticWeights.tensor("shift", [4])

  /// The gradients of x, the weight and the shift through two units. They use the weight, what was computed from the shift
  /// before them, the parts of a split, and their input by another name.
  private func gradients(of unit: (Tensor, @escaping (Tensor) -> Tensor) -> Tensor) -> [[Float]] {
    let leaves = [x, weight, shift].map { $0.asLeaf() }
    let parts = leaves[2].exp().split(axis: 0, [2, 2])
    var y = leaves[0] * 2
    for _ in 0..<2 {
      let before = y
      y = unit(y) { input in
        let both = Tensor.concatenated([parts[1], parts[0]], axis: 0)
        return input.matmul(leaves[1]).silu() * both + before * 0.5
      }
    }
    return (y.square()).sum().gradients(withRespectTo: leaves).map(\.elements)
  }

  @Test func gradientsAreThoseOfWhatIsKept() {
    let kept = gradients { x, unit in unit(x) }
    let again = recomputing { gradients { x, unit in recomputable(x, unit) } }
    for (a, b) in zip(again, kept) { #expect(mismatch(a, b.map(Double.init), .loose) == nil) }
    #expect(kept.allSatisfy { $0.contains { $0 != 0 } })
    // Where nothing is to be computed again, a unit is what it does.
    #expect(gradients { x, unit in recomputable(x, unit) } == kept)
  }

  @Test func unitsRunAgainOnlyForGradients() {
    var runs = 0
    func unit(_ x: Tensor) -> Tensor {
      runs += 1
      return x.exp()
    }
    let leaf = x.asLeaf()
    recomputing {
      _ = withoutGradient { recomputable(leaf, unit) }
      #expect(!recomputable(x, unit).requiresGradient)
      #expect(runs == 2)
      let y = recomputable(leaf, unit)
      #expect(runs == 3)
      _ = y.sum().gradients(withRespectTo: [leaf])
      #expect(runs == 4)
      // A constant input: the unit's weights get theirs.
      let constant = recomputable(x) { $0 * leaf }
      #expect(constant.sum().gradients(withRespectTo: [leaf])[0].elements == x.elements)
    }
  }

  @Test func nothingOfAUnitIsKept() {
    final class Kept {}
    weak var kept: Kept?
    var wasAlive = false
    func unit(_ x: Tensor) -> Tensor {
      let object = Kept()
      kept = object
      return (x.stopGradient() * 3).recorded(from: [x]) { gradient, _ in
        withExtendedLifetime(object) { wasAlive = true }
        return [gradient * 3]
      }
    }
    let leaf = x.asLeaf()
    let y = recomputing { recomputable(leaf, unit) }
    #expect(kept == nil)
    let gradient = y.sum().gradients(withRespectTo: [leaf])[0]
    #expect(wasAlive && gradient.elements == [Float](repeating: 3, count: 12))
  }
}
