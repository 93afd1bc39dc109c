extension FeatureMap {
  /// A map to be written, with zeros in its border.
  public init(
    images: Int, height: Int, width: Int, channels: Int, border: (rows: Int, columns: Int) = (0, 0)
  ) {
    // Distances of whole kilobytes would put neighbouring pixels into few lines of the first-level cache.
    let pixelStride = channels % 256 == 0 ? channels + 16 : channels
    let rowStride = (width + 2 * border.columns) * pixelStride
    let imageStride = (height + 2 * border.rows) * rowStride
    self.init(
      images: images, height: height, width: width, channels: channels, border: border,
      storage: Backends.cpu.scratch(images * imageStride),
      start: border.rows * rowStride + border.columns * pixelStride, imageStride: imageStride, rowStride: rowStride,
      pixelStride: pixelStride)
    if border != (0, 0) { Backends.cpu.zeroBorder(self) }
  }

  /// Some images of a tensor (B, h, w, C), or of one (B, h w C) that holds such images.
  public init(_ tensor: Tensor, images: Range<Int>, height: Int, width: Int, channels: Int) {
    let size = height * width * channels
    precondition(
      tensor.count == tensor.shape[0] * size && images.upperBound <= tensor.shape[0],
      "FeatureMap: images \(images) of \(height)x\(width)x\(channels) in a tensor of shape \(tensor.shape)")
    self.init(
      images: images.count, height: height, width: width, channels: channels, border: (0, 0),
      storage: tensor.storage, start: images.lowerBound * size, imageStride: size, rowStride: width * channels,
      pixelStride: channels)
  }

  /// Some of the channels, in the same memory.
  public func channels(_ range: Range<Int>) -> FeatureMap {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= channels, "FeatureMap: channels \(range) of \(channels)")
    return FeatureMap(
      images: images, height: height, width: width, channels: range.count, border: border, storage: storage,
      start: start + range.lowerBound, imageStride: imageStride, rowStride: rowStride, pixelStride: pixelStride)
  }

  /// The largest element of each window.
  public func maxPooled(_ window: PoolingWindow) -> FeatureMap {
    let y = pooled(window)
    Backends.cpu.maxPool(self, window, into: y)
    return y
  }

  /// The mean of what each window holds of the map; padding counts for nothing (`count_include_pad=False`).
  public func averagePooled(_ window: PoolingWindow) -> FeatureMap {
    let y = pooled(window)
    Backends.cpu.averagePool(self, window, into: y)
    return y
  }

  /// Writes the mean over each image into a map of one pixel an image.
  public func mean(into y: FeatureMap) {
    precondition(
      y.images == images && y.height == 1 && y.width == 1 && y.channels == channels,
      "FeatureMap.mean: \(self) into \(y)")
    Backends.cpu.meanPixel(self, into: y)
  }

  /// Copies the map into one of the same extents.
  public func copy(into y: FeatureMap) {
    precondition(extents == y.extents, "FeatureMap.copy: \(self) into \(y)")
    Backends.cpu.copy(self, into: y)
  }

  private var extents: [Int] { [images, height, width, channels] }

  private func pooled(_ window: PoolingWindow) -> FeatureMap {
    precondition(
      window.padding < window.side && min(height, width) + 2 * window.padding >= window.side,
      "FeatureMap: \(window) over \(self)")
    return FeatureMap(
      images: images, height: window.outExtent(height), width: window.outExtent(width), channels: channels)
  }
}

extension FeatureMap: CustomStringConvertible {
  public var description: String { "\(images) images of \(height)x\(width)x\(channels)" }
}

/// A convolution of a network that only computes forward: a factor per output (a folded normalisation) in its weights,
/// which lie in the order that the kernel reads; bias, and ReLU unless switched off.
public struct PackedConvolution: @unchecked Sendable {
  /// Channels of x.
  public let inputs: Int
  /// Channels of y, a multiple of 16.
  public let outputs: Int
  /// Rows of the kernel.
  public let kernelHeight: Int
  /// Columns of the kernel.
  public let kernelWidth: Int
  /// Step between output pixels.
  public let stride: Int
  /// Zeros on both sides.
  public let padding: (rows: Int, columns: Int)
  let packed: Storage
  let bias: Storage
  /// Smaller results become this.
  let least: Float

  /// - Parameters:
  ///   - weight_OIhw: weights.
  ///   - factor_O: what each output's weights are multiplied by.
  ///   - bias_O: added to each output.
  ///   - rectifies: whether negative results become zero.
  public init(
    weight_OIhw: Tensor, factor_O: Tensor, bias_O: Tensor, stride: Int = 1, padding: (rows: Int, columns: Int) = (0, 0),
    rectifies: Bool = true
  ) {
    let (O, I, h, w) = weight_OIhw.dims4
    precondition(
      O % 16 == 0 && factor_O.dims1 == O && bias_O.dims1 == O,
      "PackedConvolution: weight \(weight_OIhw.shape), factor \(factor_O.shape), bias \(bias_O.shape)")
    (outputs, inputs, kernelHeight, kernelWidth) = (O, I, h, w)
    self.stride = stride
    self.padding = padding
    least = rectifies ? 0 : -.infinity
    bias = bias_O.storage
    packed = Backends.cpu.scratch(weight_OIhw.count)
    Backends.cpu.packConvolution(
      weight: weight_OIhw.storage, factor: factor_O.storage, outputs: O, inputs: I, taps: h * w, into: packed)
  }

  /// Rows and columns of the result on a map.
  public func extents(on x: FeatureMap) -> (height: Int, width: Int) {
    (
      (x.height + 2 * padding.rows - kernelHeight) / stride + 1,
      (x.width + 2 * padding.columns - kernelWidth) / stride + 1
    )
  }

  /// The convolution of a map.
  /// - Parameter border: zeros around the result, for the convolution that reads it.
  public func callAsFunction(_ x: FeatureMap, border: (rows: Int, columns: Int) = (0, 0)) -> FeatureMap {
    let (height, width) = extents(on: x)
    let y = FeatureMap(images: x.images, height: height, width: width, channels: outputs, border: border)
    self(x, into: y)
    return y
  }

  /// Writes the convolution of a map whose border holds the padding.
  public func callAsFunction(_ x: FeatureMap, into y: FeatureMap) {
    precondition(
      x.channels == inputs && x.border.rows >= padding.rows && x.border.columns >= padding.columns,
      "PackedConvolution: \(inputs) inputs and padding \(padding), got \(x) with border \(x.border)")
    precondition(
      y.images == x.images && (y.height, y.width) == extents(on: x) && y.channels == outputs,
      "PackedConvolution: \(x) to \(outputs) channels, into \(y)")
    Backends.cpu.convolve(x, self, into: y)
  }
}

/// Runs `body` for ranges that cover `0..<count`, on all threads; kernels inside run on the thread that calls them.
/// - Parameter most: images in a range; memory grows with it.
public func overImages(_ count: Int, atMost most: Int, _ body: (Range<Int>) -> Void) {
  Backends.cpu.overImages(count, atMost: most, body)
}
