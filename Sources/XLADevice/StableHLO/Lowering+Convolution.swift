import TensorCore

extension Lowering {
  mutating func run(_ kernel: ConvolutionKernel, _ x: [HLOValue]) -> HLOValue {
    switch kernel {
    case .convolve(let g, let rectifies):
      var y = convolution(
        x[0], x[1], "[b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f]", stride: g.stride,
        pad: [(g.padding.top, g.padding.bottom), (g.padding.left, g.padding.right)],
        shape: [g.batch, g.outHeight, g.outWidth, g.outputs])
      if x.count > 2 { y = w.add(y, w.broadcast(x[2], y.shape)) }
      return rectifies ? unary(.relu, y) : y
    case .backwardInput(let g):
      // The convolution of gradY, spread out by the stride, with the kernel turned around and its channels exchanged.
      func pad(_ kernel: Int, _ out: Int, _ extent: Int, _ before: Int) -> (Int, Int) {
        let low = kernel - 1 - before
        return (low, extent - ((out - 1) * g.stride + 1) - low + kernel - 1)
      }
      return convolution(
        x[0], x[1], "[b, 0, 1, f]x[i, o, 0, 1]->[b, 0, 1, f]", spread: g.stride,
        pad: [
          pad(g.kernelHeight, g.outHeight, g.height, g.padding.top),
          pad(g.kernelWidth, g.outWidth, g.width, g.padding.left),
        ], isTurned: true, shape: [g.batch, g.height, g.width, g.inputs])
    case .backwardWeight(let g):
      // The convolution of x with gradY, spread out by the stride, channels in the place of images and images summed over.
      func pad(_ kernel: Int, _ out: Int, _ extent: Int, _ before: Int) -> (Int, Int) {
        (before, kernel - 1 + (out - 1) * g.stride + 1 - extent - before)
      }
      return convolution(
        x[0], x[1], "[f, 0, 1, b]x[i, 0, 1, o]->[f, b, 0, 1]", kernelSpread: g.stride,
        pad: [
          pad(g.kernelHeight, g.outHeight, g.height, g.padding.top),
          pad(g.kernelWidth, g.outWidth, g.width, g.padding.left),
        ], shape: [g.outputs, g.inputs, g.kernelHeight, g.kernelWidth])
    }
  }

  private mutating func convolution(
    _ x: HLOValue, _ kernel: HLOValue, _ numbers: String, stride: Int = 1, spread: Int = 1, kernelSpread: Int = 1,
    pad: [(Int, Int)], isTurned: Bool = false, shape: [Int]
  ) -> HLOValue {
    let (x, kernel, type) = (multiplicand(x), multiplicand(kernel), HLOType(shape))
    let pads = pad.map { "[\($0.0), \($0.1)]" }.joined(separator: ", ")
    let reverse = isTurned ? ", reverse = [true, true]" : ""
    return w.value(
      "stablehlo.convolution(\(x.name), \(kernel.name)) dim_numbers = \(numbers), window = {stride = [\(stride), "
        + "\(stride)], pad = [\(pads)], lhs_dilate = [\(spread), \(spread)], rhs_dilate = [\(kernelSpread), "
        + "\(kernelSpread)]\(reverse)} {batch_group_count = 1 : i64, feature_group_count = 1 : i64, "
        + "precision_config = [#stablehlo<precision \(digits.rawValue)>, #stablehlo<precision \(digits.rawValue)>]}",
      "(\(x.type.text), \(kernel.type.text)) -> \(type.text)", type)
  }

  mutating func run(_ kernel: PoolingKernel, _ x: HLOValue) -> HLOValue {
    let g = kernel.geometry
    switch kernel {
    case .max: return windows("maximum", x, g, from: -.infinity)
    case .average:
      // What lies outside counts for nothing: sums of pixels over sums of ones.
      let counts = windows("add", w.constant(1, like: x), g, from: 0)
      return w.divide(windows("add", x, g, from: 0), counts)
    }
  }

  private mutating func windows(_ name: String, _ x: HLOValue, _ g: PoolingGeometry, from start: Double) -> HLOValue {
    let type = HLOType([g.batch, g.outHeight, g.outWidth, g.channels])
    let initial = w.constant(start, HLOType([]))
    let (side, stride, padding) = (g.window.side, g.window.stride, g.window.padding)
    return w.value(
      "\"stablehlo.reduce_window\"(\(x.name), \(initial.name)) <{window_dimensions = array<i64: 1, \(side), \(side), 1>, "
        + "window_strides = array<i64: 1, \(stride), \(stride), 1>, padding = dense<[[0, 0], [\(padding), \(padding)], "
        + "[\(padding), \(padding)], [0, 0]]> : tensor<4x2xi64>}> ({\n^bb0(%a: tensor<f32>, %b: tensor<f32>):\n"
        + "%r = stablehlo.\(name) %a, %b : tensor<f32>\nstablehlo.return %r : tensor<f32>\n})",
      "(\(x.type.text), tensor<f32>) -> \(type.text)", type)
  }

  mutating func run(_ kernel: ResizeKernel, _ x: HLOValue) -> HLOValue {
    switch kernel {
    case .resample(let axis, let taps):
      var matrix = [Float](repeating: 0, count: taps.output * taps.input)
      for out in 0..<taps.output {
        for k in Int(taps.offsets[out])..<Int(taps.offsets[out + 1]) {
          matrix[out * taps.input + Int(taps.indices[k])] += taps.weights[k]
        }
      }
      let rank = x.shape.count
      // The product's axis comes last; it goes back to its place.
      let y = w.dot(x, w.constant(matrix, [taps.output, taps.input]), over: ([axis], [1]))
      return w.transpose(y, Array(0..<axis) + [rank - 1] + Array(axis..<(rank - 1)))
    }
  }
}
