/// Windows that slide over a feature map.
public struct PoolingWindow: Hashable, Sendable {
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
}

/// The extents of one pooling: x `BhwC`, and y of as many images and channels.
public struct PoolingGeometry: Hashable, Sendable {
  /// Images.
  public var batch: Int
  /// Rows of x.
  public var height: Int
  /// Columns of x.
  public var width: Int
  /// Channels.
  public var channels: Int
  /// What slides over x.
  public var window: PoolingWindow

  /// Rows of y.
  public var outHeight: Int { (height + 2 * window.padding - window.side) / window.stride + 1 }
  /// Columns of y.
  public var outWidth: Int { (width + 2 * window.padding - window.side) / window.stride + 1 }
}

/// Pooling of feature maps, channels-last. What lies outside of x counts for nothing.
public enum PoolingKernel: Hashable, Sendable {
  /// x: the largest element of each window; NaN where it holds NaN.
  case max(PoolingGeometry)
  /// x: the mean of what each window holds of it.
  case average(PoolingGeometry)

  /// What slides over what.
  public var geometry: PoolingGeometry {
    switch self {
    case .max(let geometry), .average(let geometry): geometry
    }
  }

  func results(of operands: [ArrayType]) -> [ArrayType] {
    [ArrayType([geometry.batch, geometry.outHeight, geometry.outWidth, geometry.channels])]
  }
}
