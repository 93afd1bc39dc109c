/// Two-dimensional convolution (cross-correlation, as `torch.nn.functional.conv2d`), channels-last:
/// `y[b, i, j, o] = bias[o] + sum over u, v, c of x[b, i stride + u - top, j stride + v - left, c] weight[o, c, u, v]`.
/// - Parameters:
///   - x_BhwC: feature map.
///   - weight: (O, C, kernel rows, kernel columns), PyTorch's layout.
///   - bias: (O), or none.
///   - stride: step between output pixels in both directions.
///   - padding: zeros around x; the sides may differ.
///   - activation: applied to the result.
/// - Returns: `BhwO`, with h = (h + top + bottom - kernel rows) / stride + 1, rounded down, and w likewise.
public func conv2d(
  _ x_BhwC: Tensor, weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Padding = .none,
  activation: Activation = .none
) -> Tensor {
  // Its gradient needs what went into it, so nothing is saved by one pass.
  if activation == .silu { return conv2d(x_BhwC, weight: weight, bias: bias, stride: stride, padding: padding).silu() }
  let rectifies = activation == .relu
  let geometry = convolutionGeometry(x_BhwC, weight, bias, stride: stride, padding: padding)
  let operands = [x_BhwC, weight] + (bias.map { [$0] } ?? [])
  let y = run(.convolution(.convolve(geometry, rectifies: rectifies)), operands.map(\.storage))[0]
  let (x, w) = (x_BhwC.storage, weight.storage)
  return Tensor(y).recorded(from: operands) { gradY, wanted in
    // Before a ReLU: where y is 0, nothing passes.
    let gradient =
      rectifies ? Tensor(run(.elementwise(.unaryBackward(.relu)), y, gradY.storage)) : gradY
    return conv2dBackward(gradient, x: x, weight: w, wanted: wanted, geometry)
  }
}
/// With gradY `BhwO`:
/// `gradX[b, p, q, c] = sum of gradY[b, i, j, o] weight[o, c, u, v]` over the i, j, u, v that read pixel (p, q),
/// `gradWeight[o, c, u, v] = sum over b, i, j of gradY[b, i, j, o] x[b, i stride + u - top, j stride + v - left, c]`,
/// `gradBias[o] = sum over b, i, j of gradY[b, i, j, o]`.
private func conv2dBackward(
  _ gradY: Tensor, x: Storage, weight: Storage, wanted: [Bool], _ geometry: ConvolutionGeometry
) -> [Tensor?] {
  var gradients: [Tensor?] = [
    wanted[0] ? Tensor(run(.convolution(.backwardInput(geometry)), gradY.storage, weight)) : nil,
    wanted[1] ? Tensor(run(.convolution(.backwardWeight(geometry)), x, gradY.storage)) : nil,
  ]
  if wanted.count > 2 {
    gradients.append(wanted[2] ? gradY.reshaped([geometry.outPixels, geometry.outputs]).sum(axis: 0) : nil)
  }
  return gradients
}

private func convolutionGeometry(
  _ x_BhwC: Tensor, _ weight: Tensor, _ bias: Tensor?, stride: Int, padding: Padding
) -> ConvolutionGeometry {
  precondition(x_BhwC.shape.rank == 4, "conv2d: expected x of shape (B, h, w, C), got \(x_BhwC.shape)")
  precondition(weight.shape.rank == 4, "conv2d: expected weight of shape (O, I, h, w), got \(weight.shape)")
  let (B, h, w, C) = x_BhwC.dims4
  let (O, I, kernelHeight, kernelWidth) = weight.dims4
  precondition(I == C, "conv2d: weight \(weight.shape) expects \(I) channels, got x \(x_BhwC.shape)")
  if let bias { precondition(bias.shape == [O], "conv2d: expected bias of shape (\(O)), got \(bias.shape)") }
  precondition(stride > 0, "conv2d: expected a positive stride, got \(stride)")
  precondition(
    h + padding.top + padding.bottom >= kernelHeight && w + padding.left + padding.right >= kernelWidth,
    "conv2d: kernel of weight \(weight.shape) does not fit into x \(x_BhwC.shape) with \(padding)")
  return ConvolutionGeometry(
    batch: B, height: h, width: w, inputs: C, outputs: O, kernelHeight: kernelHeight,
    kernelWidth: kernelWidth, stride: stride, padding: padding)
}
