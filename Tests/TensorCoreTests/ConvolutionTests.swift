import TestSupport
import Testing

@testable import TensorCore

/// One convolution to be checked against its definition.
struct ConvolutionCase: CustomTestStringConvertible, Sendable {
  let x: [Int]
  let outputs: Int
  let kernel: (Int, Int)
  let stride: Int
  let padding: Padding

  init(_ x: [Int], _ outputs: Int, _ kernel: (Int, Int), stride: Int = 1, _ padding: Padding = .none) {
    self.x = x
    self.outputs = outputs
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
  }

  var testDescription: String { "x \(x), O \(outputs), kernel \(kernel), stride \(stride), \(padding)" }

  var geometry: ConvolutionGeometry {
    ConvolutionGeometry(
      batch: x[0], height: x[1], width: x[2], inputs: x[3], outputs: outputs, kernelHeight: kernel.0,
      kernelWidth: kernel.1, stride: stride, padding: padding)
  }
  var weightShape: Shape { [outputs, x[3], kernel.0, kernel.1] }
  var outShape: Shape { [x[0], geometry.outHeight, geometry.outWidth, outputs] }
}

@Suite struct ConvolutionTests {
  static let cases = [
    ConvolutionCase([2, 5, 6, 3], 4, (3, 3), Padding(1)),
    ConvolutionCase([1, 7, 5, 2], 3, (3, 3)),
    ConvolutionCase([3, 4, 4, 5], 6, (1, 1)),
    ConvolutionCase([2, 5, 5, 3], 2, (1, 1), stride: 2),
    ConvolutionCase([2, 4, 3, 2], 3, (1, 1), Padding(1)),
    ConvolutionCase([2, 6, 6, 3], 4, (3, 3), stride: 2, Padding(bottom: 1, right: 1)),
    ConvolutionCase([2, 7, 5, 3], 4, (3, 3), stride: 2, Padding(bottom: 1, right: 1)),
    ConvolutionCase([1, 8, 9, 2], 3, (3, 2), stride: 3, Padding(top: 2, left: 1)),
    ConvolutionCase([2, 5, 8, 2], 3, (1, 7), Padding(top: 0, bottom: 0, left: 3, right: 3)),
    ConvolutionCase([2, 8, 5, 2], 3, (7, 1), Padding(top: 3, bottom: 3, left: 0, right: 0)),
    ConvolutionCase([1, 3, 4, 2], 2, (3, 3), Padding(top: 3, bottom: 0, left: 4, right: 2)),
    ConvolutionCase([1, 2, 3, 2], 2, (5, 5), Padding(3)),
    ConvolutionCase([1, 4, 4, 2], 2, (2, 2), stride: 3),
    // What the CPU's direct kernel takes: whole vectors of outputs.
    ConvolutionCase([2, 5, 4, 3], 16, (3, 3), Padding(1)),
    ConvolutionCase([1, 7, 6, 2], 32, (3, 2), stride: 2, Padding(top: 2, left: 1)),
  ]

  @Test(arguments: cases, [Activation.none, .silu, .relu])
  func matchesDefinition(_ example: ConvolutionCase, _ activation: Activation) {
    let x = NaiveFeatureMap.values(example.x.reduce(1, *), seed: 1)
    let weight = NaiveFeatureMap.values(example.weightShape.count, seed: 2)
    let bias = NaiveFeatureMap.values(example.outputs, seed: 3)
    for withBias in [true, false] {
      let y = conv2d(
        Tensor(x, Shape(example.x)), weight: Tensor(weight, example.weightShape),
        bias: withBias ? Tensor(bias, [example.outputs]) : nil, stride: example.stride,
        padding: example.padding, activation: activation)
      let expected = NaiveFeatureMap.convolution(
        x.map(Double.init), weight: weight.map(Double.init), bias: withBias ? bias.map(Double.init) : [],
        example.geometry
      ).map(activation.naive)
      #expect(y.shape == example.outShape)
      #expect(NaiveFeatureMap.difference(y.elements, expected) < 1e-6)
    }
  }

  @Test(arguments: cases, [Activation.none, .silu, .relu])
  func gradientsMatchCentralDifferences(_ example: ConvolutionCase, _ activation: Activation) {
    let x = NaiveFeatureMap.values(example.x.reduce(1, *), seed: 4)
    let weight = NaiveFeatureMap.values(example.weightShape.count, seed: 5)
    let bias = NaiveFeatureMap.values(example.outputs, seed: 6)
    let seed = NaiveFeatureMap.values(example.outShape.count, seed: 7)
    let leaves = [
      Tensor(x, Shape(example.x)), Tensor(weight, example.weightShape), Tensor(bias, [example.outputs]),
    ].map { $0.asLeaf() }
    let y = conv2d(
      leaves[0], weight: leaves[1], bias: leaves[2], stride: example.stride, padding: example.padding,
      activation: activation)
    let gradients = y.gradients(withRespectTo: leaves, seed: Tensor(seed, example.outShape))
    let (X, W, b) = (x.map(Double.init), weight.map(Double.init), bias.map(Double.init))
    func naive(_ x: [Double], _ weight: [Double], _ bias: [Double]) -> [Double] {
      NaiveFeatureMap.convolution(x, weight: weight, bias: bias, example.geometry).map(activation.naive)
    }
    let expected = [
      NaiveFeatureMap.gradient(at: X, seed: seed) { naive($0, W, b) },
      NaiveFeatureMap.gradient(at: W, seed: seed) { naive(X, $0, b) },
      NaiveFeatureMap.gradient(at: b, seed: seed) { naive(X, W, $0) },
    ]
    for (gradient, expected) in zip(gradients, expected) {
      #expect(NaiveFeatureMap.difference(gradient.elements, expected) < 1e-6)
    }
  }

  /// Several tiles, the last one not full, over image borders; the adjoint identity <conv(x), s> = <x, conv'(s)>
  /// covers the gradients at a size where central differences would take minutes.
  @Test(arguments: [1, 2])
  func manyTiles(stride: Int) {
    let example = ConvolutionCase([3, 21, 19, 8], 16, (3, 3), stride: stride, Padding(bottom: 1, right: 1))
    let x = NaiveFeatureMap.values(example.x.reduce(1, *), seed: 8)
    let weight = NaiveFeatureMap.values(example.weightShape.count, seed: 9)
    let seed = NaiveFeatureMap.values(example.outShape.count, seed: 10)
    let leaves = [Tensor(x, Shape(example.x)).asLeaf(), Tensor(weight, example.weightShape).asLeaf()]
    let y = conv2d(leaves[0], weight: leaves[1], stride: stride, padding: example.padding)
    let expected = NaiveFeatureMap.convolution(
      x.map(Double.init), weight: weight.map(Double.init), bias: [], example.geometry)
    #expect(NaiveFeatureMap.difference(y.elements, expected) < 1e-6)
    let gradients = y.gradients(withRespectTo: leaves, seed: Tensor(seed, example.outShape))
    let product = zip(expected, seed).reduce(0) { $0 + $1.0 * Double($1.1) }
    for (leaf, gradient) in zip([x, weight], gradients) {
      let adjoint = zip(leaf, gradient.elements).reduce(0) { $0 + Double($1.0) * Double($1.1) }
      #expect(abs(adjoint - product) < 1e-5 * max(1, abs(product)))
    }
  }

  /// Each gradient asked for by itself is the one that comes when all are asked for; constants record nothing.
  @Test func gradientsOneByOne() {
    let shapes: [Shape] = [[2, 5, 4, 2], [3, 2, 3, 3], [3]]
    let constants = shapes.map { Tensor(NaiveFeatureMap.values($0.count, seed: UInt64($0.count)), $0) }
    func y(_ inputs: [Tensor]) -> Tensor {
      conv2d(inputs[0], weight: inputs[1], bias: inputs[2], padding: Padding(1))
    }
    let leaves = constants.map { $0.asLeaf() }
    let seed = Tensor(NaiveFeatureMap.values(2 * 5 * 4 * 3, seed: 13), [2, 5, 4, 3])
    let all = y(leaves).gradients(withRespectTo: leaves, seed: seed)
    for index in leaves.indices {
      var inputs = constants
      inputs[index] = leaves[index]
      let alone = y(inputs).gradients(withRespectTo: [leaves[index]], seed: seed)[0]
      #expect(alone.elements == all[index].elements, "input \(index)")
    }
    #expect(!y(constants).requiresGradient)
  }

  /// Bit for bit, at the size of the convolutions inside VAR's sampling loop.
  @Test func sameSampleAtAnyBatchSize() {
    let (side, C) = (16, 32)
    let size = side * side * C
    let x = NaiveFeatureMap.values(5 * size, seed: 11)
    let weight = Tensor(NaiveFeatureMap.values(C * C * 9, seed: 12), [C, C, 3, 3])
    let together = conv2d(Tensor(x, [5, side, side, C]), weight: weight, padding: Padding(1)).elements
    for image in 0..<5 {
      let own = image * size..<(image + 1) * size
      let alone = conv2d(Tensor(Array(x[own]), [1, side, side, C]), weight: weight, padding: Padding(1))
      #expect(alone.elements == Array(together[own]), "image \(image)")
    }
  }
}
