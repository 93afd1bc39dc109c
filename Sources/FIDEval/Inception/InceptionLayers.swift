import TensorCore

/// A convolution with its normalisation folded in, and ReLU.
struct InceptionConvolution: Sendable {
  let weight_OIhw: Tensor
  let bias_O: Tensor
  let stride: Int
  let padding: Padding

  func callAsFunction(_ x_BhwC: Tensor) -> Tensor {
    conv2d(x_BhwC, weight: weight_OIhw, bias: bias_O, stride: stride, padding: padding, activation: .relu)
  }
}

/// Where a network takes its layers from, by the names of the reference's state dictionary.
protocol InceptionLayerSource {
  /// A convolution without bias, its batch normalisation and ReLU. Throws where the weights do not fit.
  func convolution(
    _ name: String, _ inputs: Int, _ outputs: Int, kernel: (rows: Int, columns: Int), stride: Int,
    padding: (rows: Int, columns: Int)
  ) throws -> InceptionConvolution
  /// The weight (outputs, inputs) of a linear map that is used without its bias.
  func linear(_ name: String, _ inputs: Int, _ outputs: Int) throws -> Tensor
}

extension InceptionLayerSource {
  /// A square kernel.
  func convolution(
    _ name: String, _ inputs: Int, _ outputs: Int, kernel: Int = 1, stride: Int = 1, padding: Int = 0
  ) throws -> InceptionConvolution {
    try convolution(
      name, inputs, outputs, kernel: (kernel, kernel), stride: stride, padding: (padding, padding))
  }

  /// A kernel of one row or one column that keeps the map's extents.
  func convolution(
    _ name: String, _ inputs: Int, _ outputs: Int, rows: Int, columns: Int
  ) throws -> InceptionConvolution {
    try convolution(
      name, inputs, outputs, kernel: (rows, columns), stride: 1, padding: (rows / 2, columns / 2))
  }
}
