import TensorCore
import Testing

@testable import NN

@Suite("Parameters and state dicts") struct ParameterTests {
  private func network(seed: UInt64) -> (set: ParameterSet, linear: Linear) {
    let set = ParameterSet()
    return (set, Linear(ParameterBuilder(set, seed: seed) / "part" / 0, 3, 2))
  }

  @Test func pathsFollowTheScopes() {
    #expect(network(seed: 1).set.parameters.map(\.path) == ["part.0.weight", "part.0.bias"])
  }

  @Test func initialValuesDependOnSeedAndPathAlone() {
    let first = network(seed: 1).linear.weight.elements
    #expect(network(seed: 1).linear.weight.elements == first)
    #expect(network(seed: 2).linear.weight.elements != first)
  }

  @Test func loadingReachesTheLayers() throws {
    let source = network(seed: 1)
    let target = network(seed: 2)
    try target.set.load(source.set.stateDict())
    #expect(target.linear.weight.elements == source.linear.weight.elements)
  }

  @Test func anUnsetNetworkTakesItsWeightsOneByOne() throws {
    let source = network(seed: 1).set.stateDict().addingPrefix("outer").source
    let target = ParameterSet()
    let linear = Linear(ParameterBuilder(target, seed: nil) / "part" / 0, 3, 2)
    try target.load(source.removingPrefix("outer"))
    #expect(linear.weight.elements == network(seed: 1).linear.weight.elements)
    #expect(linear.bias?.elements == [0, 0])
    #expect(throws: StateDictError.self) { try target.load(source) }
  }

  @Test func loadingIsStrictAndChangesNothingOnFailure() {
    let target = network(seed: 1)
    let before = target.linear.weight.elements
    var state = StateDict(["part.0.weight": .zeros([2, 4]), "extra": .zeros([1])])
    #expect(
      throws: StateDictError.mismatch(
        missing: ["part.0.bias"], unexpected: ["extra"],
        misshapen: ["part.0.weight is (2, 4), expected (2, 3)"])
    ) { try target.set.load(state) }
    state["part.0.weight"] = .zeros([2, 3])
    #expect(throws: StateDictError.self) { try target.set.load(state) }
    #expect(target.linear.weight.elements == before)
  }

  @Test func aSnapshotOfSomePathsCopiesThemAlone() {
    let source = network(seed: 1)
    let weights = source.set.stateDict { $0.hasSuffix("weight") }
    #expect(weights.names == ["part.0.weight"])
    let before = source.linear.weight.elements
    source.linear.weight.assign(.zeros([2, 3]))
    #expect(weights["part.0.weight"]?.elements == before)
    #expect(source.set.stateDict().names == ["part.0.bias", "part.0.weight"])
  }

  @Test func prefixesAreAddedAndRemoved() {
    let state = StateDict(["a": Tensor(1), "b": Tensor(2)])
    let prefixed = state.addingPrefix("net")
    #expect(prefixed.names == ["net.a", "net.b"])
    #expect(prefixed.removingPrefix("net").names == ["a", "b"])
    #expect(prefixed.removingPrefix("ne").names == [])
  }
}

@Suite("Optimiser, average and schedule") struct OptimizerTests {
  @Test func aNonFiniteGradientIsNamedAndChangesNothing() throws {
    let set = ParameterSet()
    let builder = ParameterBuilder(set, seed: 0)
    let first = builder.parameter("first", [2], .ones)
    _ = builder.parameter("second", [2], .ones)
    let optimizer = AdamW(set, AdamWConfiguration())
    let average = ExponentialMovingAverage(set)
    first.assign(Tensor([2, 2], [2]))
    let report = optimizer.update([Tensor([1, 1], [2]), Tensor([1, .nan], [2])], learningRate: 0.1)
    average.update(decay: 0.5, after: report)
    #expect(!report.norm.item.isFinite && report.nonFiniteGradient() == "second")
    #expect(first.elements == [2, 2])
    #expect(average.current["first"]?.elements == [1, 1])
    #expect(optimizer.state.moments.entries.values.allSatisfy { $0.elements == [0, 0] })
  }

  @Test func onlyMatricesThatMayDecayDo() {
    let set = ParameterSet()
    let builder = ParameterBuilder(set, seed: 0)
    _ = builder.parameter("weight", [1, 2], .ones)
    _ = builder.parameter("bias", [2], .ones)
    _ = builder.parameter("position", [1, 2], .ones, isDecayed: false)
    let optimizer = AdamW(set, AdamWConfiguration(weightDecay: 0.5))
    optimizer.update(set.values.map { .zeros($0.shape) }, learningRate: 0.1)
    #expect(set.values.map(\.elements) == [[0.95, 0.95], [1, 1], [1, 1]])
  }

  @Test func aRestoredOptimizerContinuesBitForBit() throws {
    func run(interruptedAt pause: Int?) throws -> [Float] {
      let set = ParameterSet()
      let p = ParameterBuilder(set, seed: 0).parameter("p", [3], .normal(1))
      var optimizer = AdamW(set, AdamWConfiguration())
      for step in 0..<6 {
        if step == pause {
          let state = optimizer.state
          optimizer = AdamW(set, AdamWConfiguration())
          try optimizer.load(moments: state.moments, step: state.step)
        }
        optimizer.update((p.square().sum()).gradients(withRespectTo: [p]), learningRate: 0.1)
      }
      return p.elements
    }
    #expect(try run(interruptedAt: nil) == run(interruptedAt: 3))
  }

  @Test func theAverageFollowsTheParameter() {
    let set = ParameterSet()
    let p = ParameterBuilder(set, seed: 0).parameter("p", [1], .constant(1))
    let average = ExponentialMovingAverage(set)
    p.assign(Tensor([3], [1]))
    average.update(decay: 0.75, after: UpdateReport(norm: Tensor(1), squares: Tensor([1], [1]), paths: ["p"]))
    #expect(average.current["p"]?.elements == [1.5])
  }

  @Test func schedulesWarmUpAndFall() {
    let cosine = LearningRateSchedule(peak: 2, warmUpSteps: 4, totalSteps: 12, shape: .cosine, floor: 0.1)
    #expect(cosine.rate(at: 0) == 0.5)
    #expect(cosine.rate(at: 3) == 2)
    #expect(cosine.rate(at: 4) == 2)
    #expect(abs(cosine.rate(at: 8) - 1.1) < 1e-6)
    #expect(abs(cosine.rate(at: 12) - 0.2) < 1e-6)
    #expect(abs(cosine.rate(at: 50) - 0.2) < 1e-6)
    #expect(LearningRateSchedule(peak: 2).rate(at: 100) == 2)
    let root = LearningRateSchedule(peak: 2, warmUpSteps: 4, totalSteps: 9, shape: .inverseSquareRoot)
    #expect(root.rate(at: 1) == 1)
    #expect(root.rate(at: 8) == 2)
    #expect(abs(root.rate(at: 35) - 1) < 1e-6)
    #expect(abs(root.rate(at: 80) - 2.0 / 3) < 1e-6)
  }
}
