import Foundation
import TestSupport
import Testing

@testable import TensorCore

@Suite struct GraphTests {
  private let x = SyntheticWeights.tensor("x", [3, 4])

  @Test func valuesUsedSeveralTimesAddTheirGradients() {
    let problem = operationMismatch([x], .loose) {
      let shared = $0[0].exp()
      return shared * shared + shared * $0[0] - shared
    } reference: {
      $0[0].map { value in
        let shared = exp(value)
        return shared * shared + shared * value - shared
      }
    }
    #expect(problem == nil)
  }

  @Test func withoutGradientBuildsNoGraph() {
    let leaf = x.asLeaf()
    let (constant, restored) = withoutGradient { (leaf * 2, withoutGradient { leaf + 1 }) }
    #expect(!constant.requiresGradient && !restored.requiresGradient)
    #expect((leaf * 2).requiresGradient)
    #expect(!(x * 2).requiresGradient)
    #expect(!leaf.split(axis: 0, [1, 2]).contains { !$0.requiresGradient })
    #expect(!withoutGradient { leaf.split(axis: 0, [1, 2]) }.contains { $0.requiresGradient })
  }

  @Test func stopGradientCutsTheGraph() {
    let leaf = x.asLeaf()
    let gradient = (leaf * leaf.stopGradient()).sum().gradients(withRespectTo: [leaf])[0]
    #expect(mismatch(gradient, x, .double) == nil)
  }

  /// Each gradient is told of once, when all of it is there, while the pass goes on to earlier ones.
  @Test func gradientsAreToldOfAsTheyAreReady() {
    let leaves = (0..<4).map { SyntheticWeights.tensor("w\($0)", [3, 4]).asLeaf() }
    func loss() -> Tensor {
      let first = (x * leaves[0]).exp()
      let second = first * leaves[1] + leaves[0]
      return (second * leaves[2] * leaves[1]).sum()
    }
    let expected = loss().gradients(withRespectTo: leaves)
    var told: [(place: Int, gradient: Tensor)] = []
    loss().gradients(withRespectTo: leaves) { told.append(($0, $1)) }
    // The last one has no influence.
    #expect(told.map(\.place) == [2, 1, 0, 3])
    for (place, gradient) in told { #expect(mismatch(gradient, expected[place], .double) == nil) }
    var own: [Float] = []
    let scalar = Tensor([3], []).asLeaf()
    scalar.gradients(withRespectTo: [scalar]) { own += $1.elements }
    #expect(own == [1])
  }

  @Test func leavesWithoutInfluenceHaveZeroGradients() {
    let (used, unused) = (x.asLeaf(), Tensor([1, 2], [2]).asLeaf())
    let loss = used.sum()
    let gradients = loss.gradients(withRespectTo: [unused, used])
    #expect(gradients[0].elements == [0, 0])
    #expect(gradients[1].elements == [Float](repeating: 1, count: 12))
    #expect(Tensor(3).gradients(withRespectTo: [unused])[0].elements == [0, 0])
  }

  /// What the backward rules hold of the forward pass goes as soon as the pass has used it.
  @Test func whatTheForwardPassKeptIsReleasedDuringThePass() {
    final class Kept {}
    final class Watch { weak var kept: Kept? }
    let watches = (0..<3).map { _ in Watch() }
    var alive: [[Bool]] = []
    func operation(_ x: Tensor, _ watch: Watch) -> Tensor {
      let kept = Kept()
      watch.kept = kept
      return (x.stopGradient() * 3).recorded(from: [x]) { gradient, _ in
        withExtendedLifetime(kept) { alive.append(watches.map { $0.kept != nil }) }
        return [gradient * 3]
      }
    }
    let leaf = x.asLeaf()
    let loss = watches.reduce(leaf, operation).sum()
    #expect(watches.allSatisfy { $0.kept != nil })
    let gradient = loss.gradients(withRespectTo: [leaf])[0]
    withExtendedLifetime(loss) {
      #expect(alive == [[true, true, true], [true, true, false], [true, false, false]])
      #expect(watches.allSatisfy { $0.kept == nil })
    }
    #expect(gradient.elements == [Float](repeating: 27, count: 12))
  }

  @Test func gradientsAreTakenOnce() async {
    await #expect(processExitsWith: .failure) {
      let leaf = Tensor([1, 2], [2]).asLeaf()
      let loss = leaf.square().sum()
      guard loss.gradients(withRespectTo: [leaf])[0].elements == [2, 4] else { exit(0) }
      _ = loss.gradients(withRespectTo: [leaf])
    }
  }

  @Test func onlyTheWayToTheLeavesIsVisited() {
    let (a, b) = (x.asLeaf(), x.asLeaf())
    var wantedFlags: [[Bool]] = []
    let product = (a.stopGradient() * b.stopGradient()).recorded(from: [a, b]) { gradient, wanted in
      wantedFlags.append(wanted)
      return [wanted[0] ? gradient * b.stopGradient() : nil, wanted[1] ? gradient * a.stopGradient() : nil]
    }
    _ = product.sum().gradients(withRespectTo: [b])
    #expect(wantedFlags == [[false, true]])
  }

  @Test func deepGraphsNeedNoDeepStack() {
    let leaf = Tensor(1).asLeaf()
    var value = leaf
    for _ in 0..<20_000 { value = value + 1 }
    #expect(value.gradients(withRespectTo: [leaf])[0].item == 1)
  }

  @Test func gradientsOfSeveralOutputs() {
    let problem = operationMismatch([x], .loose) {
      let parts = $0[0].split(axis: 1, [1, 2, 1])
      return parts[1] * parts[0] + parts[2]
    } reference: { values in
      (0..<3).flatMap { row in
        let r = Array(values[0][row * 4..<row * 4 + 4])
        return [r[1] * r[0] + r[3], r[2] * r[0] + r[3]]
      }
    }
    #expect(problem == nil)
  }
}
