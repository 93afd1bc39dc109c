/// The extents of a tensor, outermost axis first (row-major). A scalar has no axes and one element.
///
/// Dimension letters used across the project: `B` batch, `L` tokens in a sequence, `l` tokens of one scale,
/// `D` latent dimension, `V` codebook size, `C` width, `H` heads, `d` head dimension, `K` noise levels,
/// `h w` rows and columns of a feature map. Images and feature maps are channels-last: `BhwC`.
public struct Shape: Equatable, Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// Extent of each axis, outermost first.
  public let dimensions: [Int]

  /// A shape from its extents; each must be zero or more.
  public init(_ dimensions: [Int]) {
    precondition(dimensions.allSatisfy { $0 >= 0 }, "Shape: negative extent in \(dimensions)")
    self.dimensions = dimensions
  }

  public init(arrayLiteral elements: Int...) { self.init(elements) }

  /// Number of axes.
  public var rank: Int { dimensions.count }

  /// Number of elements.
  public var count: Int { dimensions.reduce(1, *) }

  /// Extent of an axis; negative indices count from the end.
  public subscript(axis: Int) -> Int { dimensions[axis < 0 ? axis + dimensions.count : axis] }

  /// Extent of the innermost axis (1 for a scalar).
  public var last: Int { dimensions.last ?? 1 }

  /// Number of rows when all axes but the innermost are joined.
  public var rows: Int { dimensions.dropLast().reduce(1, *) }

  /// Row-major strides in elements.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * dimensions[axis + 1]
    }
    return strides
  }

  /// The same shape with one axis replaced; negative indices count from the end.
  public func replacing(axis: Int, with extent: Int) -> Shape {
    var copy = dimensions
    copy[axis < 0 ? axis + rank : axis] = extent
    return Shape(copy)
  }

  /// The shape that two operands broadcast to (NumPy's rule), or nil where they do not fit.
  public static func broadcast(_ a: Shape, _ b: Shape) -> Shape? {
    let rank = max(a.rank, b.rank)
    var result = [Int](repeating: 1, count: rank)
    for axis in 0..<rank {
      let left = axis < rank - a.rank ? 1 : a.dimensions[axis - (rank - a.rank)]
      let right = axis < rank - b.rank ? 1 : b.dimensions[axis - (rank - b.rank)]
      guard left == right || left == 1 || right == 1 else { return nil }
      result[axis] = left == 1 ? right : left
    }
    return Shape(result)
  }

  /// Strides for reading this shape as if it had been broadcast to `target`: zero on repeated axes.
  func broadcastStrides(to target: Shape) -> [Int] {
    let own = strides
    let offset = target.rank - rank
    return (0..<target.rank).map { axis in
      guard axis >= offset, dimensions[axis - offset] != 1 else { return 0 }
      return own[axis - offset]
    }
  }

  public var description: String { "(" + dimensions.map(String.init).joined(separator: ", ") + ")" }
}
