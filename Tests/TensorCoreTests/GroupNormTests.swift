import TestSupport
import Testing

@testable import TensorCore

@Suite struct GroupNormTests {
  /// batch, pixels (rows x columns), channels, groups
  static let geometries = [
    NaiveFeatureMap.NaiveGroupNorm(batch: 2, pixels: 12, channels: 8, groups: 4),
    NaiveFeatureMap.NaiveGroupNorm(batch: 3, pixels: 7, channels: 6, groups: 1),
    NaiveFeatureMap.NaiveGroupNorm(batch: 1, pixels: 5, channels: 9, groups: 9),
    NaiveFeatureMap.NaiveGroupNorm(batch: 2, pixels: 1, channels: 10, groups: 2),
  ]

  static func inputs(_ g: NaiveFeatureMap.NaiveGroupNorm) -> [(values: [Float], shape: Shape)] {
    [
      (NaiveFeatureMap.values(g.batch * g.pixels * g.channels, seed: 1), [g.batch, g.pixels, 1, g.channels]),
      (NaiveFeatureMap.values(g.channels, seed: 2), [g.channels]),
      (NaiveFeatureMap.values(g.channels, seed: 3), [g.channels]),
    ]
  }

  static func naive(_ inputs: [[Double]], _ activation: Activation, _ g: NaiveFeatureMap.NaiveGroupNorm) -> [Double] {
    NaiveFeatureMap.groupNorm(
      inputs[0], weight: inputs[1], bias: inputs[2], epsilon: 1e-3, activation: activation, g)
  }

  @Test(arguments: geometries, [Activation.none, .silu, .relu])
  func matchesDefinitionWithGradients(_ g: NaiveFeatureMap.NaiveGroupNorm, _ activation: Activation) {
    let inputs = Self.inputs(g)
    let leaves = inputs.map { Tensor($0.values, $0.shape).asLeaf() }
    let y = groupNorm(
      leaves[0], groups: g.groups, weight: leaves[1], bias: leaves[2], epsilon: 1e-3,
      activation: activation)
    let exact = inputs.map { $0.values.map(Double.init) }
    #expect(y.shape == inputs[0].shape)
    #expect(NaiveFeatureMap.difference(y.elements, Self.naive(exact, activation, g)) < 2e-6)

    let seed = NaiveFeatureMap.values(y.count, seed: 4)
    let gradients = y.gradients(withRespectTo: leaves, seed: Tensor(seed, y.shape))
    for index in leaves.indices {
      let expected = NaiveFeatureMap.gradient(at: exact[index], seed: seed) { changed in
        var inputs = exact
        inputs[index] = changed
        return Self.naive(inputs, activation, g)
      }
      #expect(NaiveFeatureMap.difference(gradients[index].elements, expected) < 5e-6, "input \(index)")
    }
  }

  /// A large mean must not cost the variance its digits: accumulation in Float gives a variance off by tens of
  /// percent here.
  @Test func largeMean() {
    let g = NaiveFeatureMap.NaiveGroupNorm(batch: 1, pixels: 1024, channels: 8, groups: 2)
    let x = NaiveFeatureMap.values(g.pixels * g.channels, seed: 5).map { 1000 + $0 }
    let ones = [Float](repeating: 1, count: 8)
    let zeros = [Float](repeating: 0, count: 8)
    let y = groupNorm(
      Tensor(x, [1, 32, 32, 8]), groups: 2, weight: Tensor(ones, [8]), bias: Tensor(zeros, [8]),
      epsilon: 1e-6)
    let expected = NaiveFeatureMap.groupNorm(
      x.map(Double.init), weight: ones.map(Double.init), bias: zeros.map(Double.init), epsilon: 1e-6, g)
    #expect(NaiveFeatureMap.difference(y.elements, expected) < 1e-3)
  }

  /// The tokenizer's weights are frozen: the gradient of x alone is the same, and constants record nothing.
  @Test func frozenWeights() {
    let g = Self.geometries[0]
    let constants = Self.inputs(g).map { Tensor($0.values, $0.shape) }
    let leaves = constants.map { $0.asLeaf() }
    func y(_ x: Tensor, _ weights: [Tensor]) -> Tensor {
      groupNorm(x, groups: g.groups, weight: weights[1], bias: weights[2], epsilon: 1e-3, activation: .silu)
    }
    let seed = Tensor(NaiveFeatureMap.values(constants[0].count, seed: 4), constants[0].shape)
    let all = y(leaves[0], leaves).gradients(withRespectTo: leaves, seed: seed)
    let alone = y(leaves[0], constants).gradients(withRespectTo: [leaves[0]], seed: seed)
    #expect(alone[0].elements == all[0].elements)
    #expect(!y(constants[0], constants).requiresGradient)
  }
}
