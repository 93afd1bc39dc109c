import Foundation
import TestSupport
import Testing

@testable import TensorCore

@Suite struct ElementwiseTests {
  struct Unary: Sendable, CustomTestStringConvertible {
    let name: String
    let positive: Bool
    let operation: @Sendable (Tensor) -> Tensor
    let reference: @Sendable (Double) -> Double
    var testDescription: String { name }

    init(
      _ name: String, positive: Bool = false, _ operation: @escaping @Sendable (Tensor) -> Tensor,
      _ reference: @escaping @Sendable (Double) -> Double
    ) {
      self.name = name
      self.positive = positive
      self.operation = operation
      self.reference = reference
    }
  }

  static let unary: [Unary] = [
    Unary("exp", { $0.exp() }, { exp($0) }),
    Unary("log", positive: true, { $0.log() }, { log($0) }),
    Unary("sqrt", positive: true, { $0.sqrt() }, { $0.squareRoot() }),
    Unary("reciprocal", positive: true, { $0.reciprocal() }, { 1 / $0 }),
    Unary("square", { $0.square() }, { $0 * $0 }),
    Unary("abs", { $0.abs() }, { Swift.abs($0) }),
    Unary("silu", { $0.silu() }, { $0 / (1 + exp(-$0)) }),
    Unary(
      "gelu", { $0.gelu() },
      { 0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }),
    Unary("relu", { $0.relu() }, { max($0, 0) }),
    Unary("sin", { $0.sin() }, { sin($0) }),
    Unary("cos", { $0.cos() }, { cos($0) }),
    Unary("affine", { $0.affine(scale: -2.5, offset: 0.75) }, { -2.5 * $0 + 0.75 }),
    Unary("clamp", { $0.clamp(-0.4, 0.9) }, { min(max($0, -0.4), 0.9) }),
    Unary("negation", { -$0 }, { -$0 }),
    Unary("scalar arithmetic", { (3 - ($0 + 1) * 2 - 0.5) / 4 }, { (3 - ($0 + 1) * 2 - 0.5) / 4 }),
  ]

  @Test(arguments: unary) func functionsOfOneVariable(_ unary: Unary) {
    // 37 elements: whole vectors and a remainder.
    let values = (0..<37).map { Float($0 - 18) * 0.17 + 0.013 }
    let x = Tensor(unary.positive ? values.map { abs($0) + 0.3 } : values, [37])
    let problem = operationMismatch([x], Tolerance(absolute: 2e-6, relative: 3e-6)) {
      unary.operation($0[0])
    } reference: {
      $0[0].map(unary.reference)
    }
    #expect(problem == nil)
  }

  @Test func largeTensorsUseEveryThreadAndAgree() {
    let count = 100_003
    let x = Tensor((0..<count).map { Float($0 % 201 - 100) * 0.05 }, [count])
    let expected = (0..<count).map { exp(Double(Float($0 % 201 - 100) * 0.05)) }
    #expect(mismatch(x.exp(), expected, shape: [count], Tolerance(absolute: 0, relative: 1e-6)) == nil)
  }

  @Test func extremeArguments() {
    for y in [Tensor([-200, 200], [2]).silu(), Tensor([-200, 200], [2]).gelu()] { #expect(y.elements == [0, 200]) }
    #expect(Tensor([-200, 200], [2]).exp().elements == [0, .infinity])
    // The last octave before infinity, and the first above 0.
    let edges: [Float] = [88.4, 88.5, 88.7, -87.2, -87.3]
    let found = Tensor(edges, [5]).exp()
    #expect(mismatch(found, edges.map { exp(Double($0)) }, shape: [5], Tolerance(absolute: 0, relative: 1e-6)) == nil)
    #expect(Tensor([.nan], [1]).exp().elements[0].isNaN)
    let notANumber = Tensor([.nan], [1])
    for (name, y) in [
      ("exp", notANumber.exp()), ("clamp", notANumber.clamp(0, 1)),
      ("silu", notANumber.silu()), ("gelu", notANumber.gelu()), ("relu", notANumber.relu()),
    ] {
      #expect(y.item.isNaN, "\(name) hides NaN")
    }
  }

  /// As PyTorch: no gradient where the ReLU begins.
  @Test func reluAtZero() {
    let x = Tensor([-1, 0, 2], [3]).asLeaf()
    #expect(x.relu().sum().gradients(withRespectTo: [x])[0].elements == [0, 0, 1])
  }

  @Test func pixelsGiveTheirBytesBack() {
    let bytes = (0...255).map { Float($0) }
    #expect(imageBytes(Tensor(bytes.map { $0 / 127.5 - 1 }, [256])).elements == bytes)
    #expect(imageBytes(Tensor([-1.5, 1.5], [2])).elements == [0, 255])
    #expect(imageBytes(Tensor([1], [1]), divisor: 255).elements == [1])
  }

  struct Binary: Sendable, CustomTestStringConvertible {
    let name: String
    let operation: @Sendable (Tensor, Tensor) -> Tensor
    let reference: @Sendable (Double, Double) -> Double
    var testDescription: String { name }
  }

  static let binary: [Binary] = [
    Binary(name: "+", operation: { $0 + $1 }, reference: { $0 + $1 }),
    Binary(name: "-", operation: { $0 - $1 }, reference: { $0 - $1 }),
    Binary(name: "*", operation: { $0 * $1 }, reference: { $0 * $1 }),
    Binary(name: "/", operation: { $0 / $1 }, reference: { $0 / $1 }),
  ]

  static let shapes: [(Shape, Shape)] = [
    ([2, 3, 4], [2, 3, 4]), ([2, 3, 4], [4]), ([4], [2, 3, 4]), ([2, 3, 4], [2, 1, 4]),
    ([2, 3, 1], [1, 1, 5]), ([3, 1], [2, 1, 6]), ([2, 3], []), ([], [5]), ([2, 1, 3, 1], [4, 1, 5]),
  ]

  @Test(arguments: binary, shapes) func broadcasting(_ binary: Binary, _ shapes: (Shape, Shape)) {
    let target = broadcastShape(shapes.0, shapes.1)
    // Away from zero, so that quotients are tame.
    let a = Tensor(SyntheticWeights.values("a", [shapes.0.count]).map { 1 + 5 * $0 }, shapes.0)
    let b = Tensor(SyntheticWeights.values("b", [shapes.1.count]).map { 1 + 5 * $0 }, shapes.1)
    #expect(binary.operation(a, b).shape == target)
    let problem = operationMismatch([a, b], .loose) {
      binary.operation($0[0], $0[1])
    } reference: { values in
      (0..<target.count).map { index in
        binary.reference(
          values[0][sourceIndex(index, of: shapes.0, in: target)],
          values[1][sourceIndex(index, of: shapes.1, in: target)])
      }
    }
    #expect(problem == nil)
  }
}
