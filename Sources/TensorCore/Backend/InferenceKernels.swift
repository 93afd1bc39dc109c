/// Feature maps of some images in a network that only computes forward: channels-last, with room for the zeros that the
/// next convolution reads around each image, and possibly some channels of a wider map.
///
/// No graph is kept. Elements are written once, by the layer that makes the map.
public struct FeatureMap: @unchecked Sendable {
  /// Number of images.
  public let images: Int
  /// Rows of an image.
  public let height: Int
  /// Columns of an image.
  public let width: Int
  /// Channels of a pixel.
  public let channels: Int
  /// Rows of zeros above and below, columns of zeros before and after.
  public let border: (rows: Int, columns: Int)
  let storage: Storage
  /// The first element of the first pixel inside the border.
  let start: Int
  /// Elements from one image, row and pixel to the next.
  let imageStride: Int
  let rowStride: Int
  let pixelStride: Int

  init(
    images: Int, height: Int, width: Int, channels: Int, border: (rows: Int, columns: Int), storage: Storage,
    start: Int, imageStride: Int, rowStride: Int, pixelStride: Int
  ) {
    self.images = images
    self.height = height
    self.width = width
    self.channels = channels
    self.border = border
    self.storage = storage
    self.start = start
    self.imageStride = imageStride
    self.rowStride = rowStride
    self.pixelStride = pixelStride
  }
}

/// Windows that slide over a feature map.
public struct PoolingWindow: Equatable, Sendable {
  /// Rows and columns of a window.
  public var side: Int
  /// Step between windows.
  public var stride: Int
  /// Rows and columns by which windows begin before the map.
  public var padding: Int

  /// A window.
  public init(side: Int, stride: Int, padding: Int = 0) {
    self.side = side
    self.stride = stride
    self.padding = padding
  }

  func outExtent(_ extent: Int) -> Int { (extent + 2 * padding - side) / stride + 1 }
}

/// Forward passes over feature maps. Kernels run on the calling thread;
/// `overImages` is what uses several.
public protocol InferenceKernels {
  /// Runs `body` for ranges that cover `0..<count`, as many at once as the device has threads.
  /// - Parameter most: images in a range.
  func overImages(_ count: Int, atMost most: Int, _ body: (Range<Int>) -> Void)
  /// Weights `OIhw`, output o times `factor[o]`, in the order that `convolve` reads.
  func packConvolution(
    weight: Storage, factor: Storage, outputs: Int, inputs: Int, taps: Int, into packed: Storage)
  /// `y = max(x * weight + bias, least)`
  func convolve(_ x: FeatureMap, _ convolution: PackedConvolution, into y: FeatureMap)
  /// The largest element of each window.
  func maxPool(_ x: FeatureMap, _ window: PoolingWindow, into y: FeatureMap)
  /// The mean of what each window holds of x; the padding counts for nothing.
  func averagePool(_ x: FeatureMap, _ window: PoolingWindow, into y: FeatureMap)
  /// The mean over each image; y has one pixel an image.
  func meanPixel(_ x: FeatureMap, into y: FeatureMap)
  /// Copies a map into one of the same extents.
  func copy(_ x: FeatureMap, into y: FeatureMap)
  /// Zeros in the border.
  func zeroBorder(_ x: FeatureMap)
}
