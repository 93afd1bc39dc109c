import TestSupport
import Testing

@testable import TensorCore

/// The CPU's convolution without a copy of patches, at sizes that its tiles, panels and chunks cut differently.
@Suite struct DirectConvolutionTests {
  static let cases = [
    ConvolutionCase([3, 9, 7, 20], 16, (3, 3)), ConvolutionCase([3, 9, 7, 20], 32, (3, 3), stride: 2),
    ConvolutionCase([3, 9, 7, 20], 48, (3, 3), Padding(1)), ConvolutionCase([3, 9, 7, 20], 64, (1, 1)),
    ConvolutionCase([3, 9, 7, 20], 80, (1, 7), Padding(left: 3, right: 3)),
    ConvolutionCase([3, 9, 7, 20], 96, (7, 1), Padding(top: 3, bottom: 3)),
    ConvolutionCase([3, 9, 7, 20], 112, (5, 5), Padding(2)),
    ConvolutionCase([2, 9, 7, 5], 144, (3, 3), Padding(top: 3, bottom: 0, left: 4, right: 1)),
    ConvolutionCase([3, 9, 7, 20], 160, (3, 3), stride: 2, Padding(1)),
    ConvolutionCase([1, 1, 1, 20], 16, (1, 1)), ConvolutionCase([5, 1, 1, 40], 1008, (1, 1)),
    ConvolutionCase([3, 9, 7, 256], 256, (1, 1)), ConvolutionCase([2, 41, 37, 3], 32, (3, 3), stride: 2),
    // Cropped, and without one patch inside the map.
    ConvolutionCase([2, 8, 9, 3], 16, (3, 3), Padding(top: -1, bottom: -2, left: -2, right: -1)),
    ConvolutionCase([1, 2, 3, 2], 16, (5, 5), Padding(3)),
  ]

  @Test(arguments: cases, [Activation.none, .relu])
  func matchesDefinition(_ example: ConvolutionCase, _ activation: Activation) {
    #expect(CPUBackend.isDirect(example.geometry))
    let x = NaiveFeatureMap.values(example.x.reduce(1, *), seed: 1)
    let weight = NaiveFeatureMap.values(example.weightShape.count, seed: 2)
    let bias = NaiveFeatureMap.values(example.outputs, seed: 3)
    let y = conv2d(
      Tensor(x, Shape(example.x)), weight: Tensor(weight, example.weightShape), bias: Tensor(bias, [example.outputs]),
      stride: example.stride, padding: example.padding, activation: activation)
    let expected = NaiveFeatureMap.convolution(
      x.map(Double.init), weight: weight.map(Double.init), bias: bias.map(Double.init), example.geometry
    ).map(activation.naive)
    #expect(y.shape == example.outShape)
    #expect(NaiveFeatureMap.difference(y.elements, expected) < 1e-6)
  }

  /// Bit for bit, though tiles and chunks begin elsewhere.
  @Test(arguments: [
    ConvolutionCase([11, 13, 7, 33], 80, (3, 3), Padding(1)), ConvolutionCase([9, 5, 7, 1030], 16, (1, 1)),
    ConvolutionCase([7, 17, 17, 9], 48, (3, 3), stride: 2, Padding(bottom: 1, right: 1)),
  ])
  func sameSampleAtAnyBatchSize(_ example: ConvolutionCase) {
    let size = example.x.dropFirst().reduce(1, *)
    let x = NaiveFeatureMap.values(example.x[0] * size, seed: 4)
    let weight = Tensor(NaiveFeatureMap.values(example.weightShape.count, seed: 5), example.weightShape)
    func y(_ images: Range<Int>) -> [Float] {
      let own = Tensor(
        Array(x[images.lowerBound * size..<images.upperBound * size]), Shape([images.count] + example.x[1...]))
      return conv2d(own, weight: weight, stride: example.stride, padding: example.padding).elements
    }
    let together = y(0..<example.x[0])
    let outSize = together.count / example.x[0]
    for image in 0..<example.x[0] {
      #expect(y(image..<image + 1) == Array(together[image * outSize..<(image + 1) * outSize]), "image \(image)")
    }
  }

  /// NaN does not become 0 in a ReLU: a network with broken weights must not give features.
  @Test(arguments: [4, 16], 0..<4) func nanStays(_ outputs: Int, _ place: Int) {
    var values: [Float] = [1, 2, 3, 4]
    values[place] = .nan
    let y = conv2d(
      Tensor(values, [1, 2, 2, 1]), weight: Tensor(repeating: 1, [outputs, 1, 2, 2]),
      bias: Tensor(repeating: -5, [outputs]), activation: .relu)
    #expect(y.elements.allSatisfy { $0.isNaN })
  }

  /// The weights that a convolution has rearranged for itself are not used once they have changed, in whatever way.
  @Test func changedWeightsAreSeen() {
    let shape: Shape = [32, 5, 3, 3]
    func values(_ seed: UInt64) -> Tensor { Tensor(NaiveFeatureMap.values(shape.count, seed: seed), shape) }
    let x = Tensor(NaiveFeatureMap.values(2 * 6 * 5 * 5, seed: 6), [2, 6, 5, 5])
    let changes: [(String, (Tensor) -> Void)] = [
      ("assign", { $0.assign(values(8)) }),
      ("average", { averageUpdate([$0], toward: [values(9)], decay: Tensor(0.5), norm: Tensor(1)) }),
      ("overwrite", { $0.overwrite(axis: 0, at: .scalar(16), with: values(10).sliced(axis: 0, 0..<16)) }),
      (
        "AdamW",
        {
          _ = adamWUpdate(
            [$0], firstMoments: [.zeros(shape)], secondMoments: [.zeros(shape)], gradients: [values(12)],
            scalars: Tensor([0.1, 0.1, 0.01], [3]),
            AdamWForm(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, clipNorm: 1, weightDecay: [0]))
        }
      ),
    ]
    for (name, change) in changes {
      let weight = values(7)
      let before = conv2d(x, weight: weight).elements
      #expect(conv2d(x, weight: weight).elements == before)
      change(weight)
      let after = conv2d(x, weight: weight).elements
      #expect(after != before, "\(name) changes nothing")
      #expect(after == conv2d(x, weight: Tensor(weight.elements, shape)).elements, "\(name)")
    }
  }

  /// One storage under two shapes has two orders.
  @Test func weightsOfAnotherShapeAreRearrangedAnew() {
    let weight = Tensor(NaiveFeatureMap.values(32 * 2 * 9, seed: 13), [32, 2, 3, 3])
    let x = Tensor(NaiveFeatureMap.values(4 * 4 * 18, seed: 14), [1, 4, 4, 18])
    for shape in [[32, 2, 3, 3], [32, 18, 1, 1], [32, 2, 3, 3]] as [Shape] {
      let input = x.sliced(axis: 3, 0..<shape[1])
      #expect(
        conv2d(input, weight: weight.reshaped(shape)).elements
          == conv2d(input, weight: Tensor(weight.elements, shape)).elements)
    }
  }
}
