import TestSupport
import Testing

@testable import TensorCore

/// A convolution of a network that only computes forward.
struct PackedCase: CustomTestStringConvertible, Sendable {
  var images = 3
  var height = 9
  var width = 7
  var inputs = 20
  var outputs = 16
  var kernel = (rows: 3, columns: 3)
  var stride = 1
  var padding = (rows: 0, columns: 0)

  var testDescription: String { "\(self)" }
}

@Suite struct FeatureMapTests {
  static let cases = [
    PackedCase(), PackedCase(outputs: 32, stride: 2), PackedCase(outputs: 48, padding: (1, 1)),
    PackedCase(outputs: 64, kernel: (1, 1)), PackedCase(outputs: 80, kernel: (1, 7), padding: (0, 3)),
    PackedCase(outputs: 96, kernel: (7, 1), padding: (3, 0)), PackedCase(outputs: 112, kernel: (5, 5), padding: (2, 2)),
    PackedCase(outputs: 160, stride: 2, padding: (1, 1)), PackedCase(images: 1, height: 1, width: 1, kernel: (1, 1)),
    PackedCase(inputs: 256, outputs: 256, kernel: (1, 1)), PackedCase(inputs: 3, outputs: 32, stride: 2),
  ]

  private func map(_ tensor: Tensor, border: (rows: Int, columns: Int)) -> FeatureMap {
    let (B, h, w, C) = tensor.dims4
    let y = FeatureMap(images: B, height: h, width: w, channels: C, border: border)
    FeatureMap(tensor, images: 0..<B, height: h, width: w, channels: C).copy(into: y)
    return y
  }

  private func tensor(_ x: FeatureMap) -> Tensor {
    let y = Tensor.unfilled([x.images, x.height, x.width, x.channels])
    x.copy(into: FeatureMap(y, images: 0..<x.images, height: x.height, width: x.width, channels: x.channels))
    return y
  }

  @Test(arguments: cases) func convolutionAgainstADirectSum(_ c: PackedCase) {
    let x = SyntheticWeights.tensor("x", [c.images, c.height, c.width, c.inputs], gain: 20)
    let weight = SyntheticWeights.tensor("w", [c.outputs, c.inputs, c.kernel.rows, c.kernel.columns])
    let factor = SyntheticWeights.tensor("factor.weight", [c.outputs])
    let bias = SyntheticWeights.tensor("bias", [c.outputs])
    let size = c.inputs * c.kernel.rows * c.kernel.columns
    let scaled = weight.elements.enumerated().map { Double($1) * Double(factor.elements[$0 / size]) }
    let geometry = ConvolutionGeometry(
      batch: c.images, height: c.height, width: c.width, inputs: c.inputs, outputs: c.outputs,
      kernelHeight: c.kernel.rows, kernelWidth: c.kernel.columns, stride: c.stride,
      padding: Padding(
        top: c.padding.rows, bottom: c.padding.rows, left: c.padding.columns, right: c.padding.columns))
    let expected = NaiveFeatureMap.convolution(
      x.elements.map(Double.init), weight: scaled, bias: bias.elements.map(Double.init), geometry)
    for rectifies in [false, true] {
      let convolution = PackedConvolution(
        weight_OIhw: weight, factor_O: factor, bias_O: bias, stride: c.stride, padding: c.padding,
        rectifies: rectifies)
      // A border wider than the padding, and a place between other channels.
      let input = map(x, border: (c.padding.rows + 1, c.padding.columns))
      let wide = FeatureMap(
        images: c.images, height: geometry.outHeight, width: geometry.outWidth, channels: c.outputs + 32)
      convolution(input, into: wide.channels(16..<16 + c.outputs))
      let wanted = rectifies ? expected.map { max($0, 0) } : expected
      let shape: Shape = [c.images, geometry.outHeight, geometry.outWidth, c.outputs]
      #expect(mismatch(tensor(wide.channels(16..<16 + c.outputs)), wanted, shape: shape, .loose) == nil)
      // Without a border pixels lie without a gap, and a kernel row is one run.
      if c.padding == (0, 0) {
        let dense = FeatureMap(
          x, images: 0..<c.images, height: c.height, width: c.width, channels: c.inputs)
        #expect(mismatch(tensor(convolution(dense)), wanted, shape: shape, .loose) == nil)
      }
    }
  }

  @Test(arguments: [PoolingWindow(side: 3, stride: 1, padding: 1), PoolingWindow(side: 3, stride: 2)])
  func poolsAgainstADirectScan(_ window: PoolingWindow) {
    let (B, h, w, C) = (2, 8, 7, 5)
    let x = SyntheticWeights.tensor("x", [B, h, w, C])
    let e = x.elements.map(Double.init)
    let (H, W) = (window.outExtent(h), window.outExtent(w))
    var (largest, means): ([Double], [Double]) = ([], [])
    for index in 0..<B * H * W * C {
      let (b, r, c, k) = (index / (H * W * C), index / (W * C) % H, index / C % W, index % C)
      var inside: [Double] = []
      for row in r * window.stride - window.padding..<r * window.stride - window.padding + 3 where (0..<h) ~= row {
        for column in c * window.stride - window.padding..<c * window.stride - window.padding + 3
        where (0..<w) ~= column {
          inside.append(e[((b * h + row) * w + column) * C + k])
        }
      }
      largest.append(inside.max() ?? .nan)
      means.append(inside.reduce(0, +) / Double(inside.count))
    }
    let input = map(x, border: (0, 2))
    #expect(mismatch(tensor(input.maxPooled(window)), largest, shape: [B, H, W, C], .float) == nil)
    #expect(mismatch(tensor(input.averagePooled(window)), means, shape: [B, H, W, C], .float) == nil)
  }

  /// A maximum with NaN is NaN, wherever in the window it stands: a network with broken weights must not give features.
  @Test(arguments: 0..<4) func nanIsNotTakenForASmallNumber(_ place: Int) {
    var values: [Float] = [1, 2, 3, 4]
    values[place] = .nan
    let pixels = map(Tensor(values, [1, 2, 2, 1]), border: (0, 0))
    #expect(tensor(pixels.maxPooled(PoolingWindow(side: 2, stride: 1))).elements[0].isNaN)
    let convolution = PackedConvolution(
      weight_OIhw: Tensor(repeating: 1, [16, 1, 2, 2]), factor_O: Tensor(repeating: 1, [16]),
      bias_O: Tensor(repeating: -5, [16]), stride: 1, padding: (0, 0), rectifies: true)
    #expect(tensor(convolution(pixels)).elements.allSatisfy { $0.isNaN })
  }

  @Test func meansOfImages() {
    let x = SyntheticWeights.tensor("x", [3, 4, 5, 37])
    let y = Tensor.unfilled([3, 37])
    map(x, border: (1, 1)).mean(into: FeatureMap(y, images: 0..<3, height: 1, width: 1, channels: 37))
    let e = x.elements.map(Double.init)
    let expected = (0..<3 * 37).map { index -> Double in
      let (image, channel) = index.quotientAndRemainder(dividingBy: 37)
      let pixels = (0..<20).map { pixel in e[(image * 20 + pixel) * 37 + channel] }
      return pixels.reduce(0, +) / 20
    }
    #expect(mismatch(y, expected, shape: [3, 37], .float) == nil)
  }

  @Test func pixelsGiveTheirBytesBack() {
    let bytes = (0...255).map { Float($0) }
    #expect(imageBytes(Tensor(bytes.map { $0 / 127.5 - 1 }, [256])).elements == bytes)
    #expect(imageBytes(Tensor([-1.5, 1.5], [2])).elements == [0, 255])
    #expect(imageBytes(Tensor([1], [1]), divisor: 255).elements == [1])
  }

  @Test(arguments: [0, 1, 2, 5, 16, 33]) func everyImageIsVisitedOnce(_ count: Int) {
    let marks = Tensor.zeros([max(count, 1), 1])
    let ones = Tensor(repeating: 1, [max(count, 1), 1])
    overImages(count, atMost: 4) { range in
      #expect(range.count <= 4)
      FeatureMap(ones, images: range, height: 1, width: 1, channels: 1)
        .copy(into: FeatureMap(marks, images: range, height: 1, width: 1, channels: 1))
    }
    #expect(marks.elements.reduce(0, +) == Float(count))
  }
}
