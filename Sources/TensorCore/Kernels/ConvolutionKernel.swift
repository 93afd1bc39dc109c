/// Rows and columns of zeros added around a feature map.
public struct Padding: Hashable, Sendable {
  /// Rows above.
  public var top: Int
  /// Rows below.
  public var bottom: Int
  /// Columns before.
  public var left: Int
  /// Columns after.
  public var right: Int

  /// Each side on its own.
  public init(top: Int = 0, bottom: Int = 0, left: Int = 0, right: Int = 0) {
    self.top = top
    self.bottom = bottom
    self.left = left
    self.right = right
  }

  /// The same on all four sides.
  public init(_ all: Int) { self.init(top: all, bottom: all, left: all, right: all) }

  /// No padding.
  public static let none = Padding()
}

/// The extents of one two-dimensional convolution: x `BhwC`, weight `OIhw` (PyTorch's layout), y `BhwO`.
public struct ConvolutionGeometry: Hashable, Sendable {
  /// Images.
  public var batch: Int
  /// Rows of x.
  public var height: Int
  /// Columns of x.
  public var width: Int
  /// Channels of x.
  public var inputs: Int
  /// Channels of y.
  public var outputs: Int
  /// Rows of the kernel.
  public var kernelHeight: Int
  /// Columns of the kernel.
  public var kernelWidth: Int
  /// Step between output pixels, in both directions.
  public var stride: Int
  /// Zeros around x.
  public var padding: Padding

  /// Rows of y.
  public var outHeight: Int { (height + padding.top + padding.bottom - kernelHeight) / stride + 1 }
  /// Columns of y.
  public var outWidth: Int { (width + padding.left + padding.right - kernelWidth) / stride + 1 }
  /// Pixels of y in the whole batch.
  public var outPixels: Int { batch * outHeight * outWidth }
  /// Kernel positions.
  public var taps: Int { kernelHeight * kernelWidth }
  /// Elements under the kernel at one output pixel.
  public var patch: Int { taps * inputs }
}

/// Two-dimensional convolution, channels-last, weights `OIhw`.
public enum ConvolutionKernel: Hashable, Sendable {
  /// x, weight and, or not, bias (O): `x * weight + bias`, or where it rectifies the larger of that and 0.
  case convolve(ConvolutionGeometry, rectifies: Bool)
  /// gradY `BhwO`, weight: the gradient of x.
  case backwardInput(ConvolutionGeometry)
  /// x, gradY: the gradient of the weight. The order of its sums depends on the number of threads only.
  case backwardWeight(ConvolutionGeometry)

  func results(of operands: [ArrayType]) -> [ArrayType] {
    switch self {
    case .convolve(let g, _): return [ArrayType([g.batch, g.outHeight, g.outWidth, g.outputs])]
    case .backwardInput(let g): return [ArrayType([g.batch, g.height, g.width, g.inputs])]
    case .backwardWeight(let g): return [ArrayType([g.outputs, g.inputs, g.kernelHeight, g.kernelWidth])]
    }
  }
}
