import TensorCore

/// Where a network takes its layers from, by the names of the reference's state dictionary.
protocol InceptionLayerSource {
  /// A convolution without bias, its batch normalisation and ReLU. Throws where the weights do not fit.
  func convolution(
    _ name: String, _ inputs: Int, _ outputs: Int, kernel: (rows: Int, columns: Int), stride: Int,
    padding: (rows: Int, columns: Int)
  ) throws -> PackedConvolution
  /// A linear map without its bias.
  func linear(_ name: String, _ inputs: Int, _ outputs: Int) throws -> PackedConvolution
}

extension InceptionLayerSource {
  /// A square kernel.
  func convolution(
    _ name: String, _ inputs: Int, _ outputs: Int, kernel: Int = 1, stride: Int = 1, padding: Int = 0
  ) throws -> PackedConvolution {
    try convolution(
      name, inputs, outputs, kernel: (kernel, kernel), stride: stride, padding: (padding, padding))
  }

  /// A kernel of one row or one column that keeps the map's extents.
  func convolution(
    _ name: String, _ inputs: Int, _ outputs: Int, rows: Int, columns: Int
  ) throws -> PackedConvolution {
    try convolution(
      name, inputs, outputs, kernel: (rows, columns), stride: 1, padding: (rows / 2, columns / 2))
  }
}

/// The branches of a block, each written into its own channels of the result.
struct Concatenation {
  private(set) var result: FeatureMap
  private var filled = 0

  init(images: Int, height: Int, width: Int, channels: Int) {
    result = FeatureMap(images: images, height: height, width: width, channels: channels)
  }

  /// A block that keeps the extents of x.
  init(like x: FeatureMap, channels: Int) {
    self.init(images: x.images, height: x.height, width: x.width, channels: channels)
  }

  /// The branch that passes x through convolutions, one after the other.
  mutating func append(_ x: FeatureMap, _ layers: PackedConvolution...) {
    var x = x
    for (layer, next) in zip(layers, layers.dropFirst()) { x = layer(x, border: next.padding) }
    guard let last = layers.last else { return }
    last(x, into: channels(last.outputs))
  }

  /// The branch that is a map as it is.
  mutating func append(_ x: FeatureMap) { x.copy(into: channels(x.channels)) }

  private mutating func channels(_ count: Int) -> FeatureMap {
    defer { filled += count }
    return result.channels(filled..<filled + count)
  }
}
