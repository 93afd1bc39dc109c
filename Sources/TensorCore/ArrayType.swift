/// What the elements of an array are.
public enum ElementType: Hashable, Sendable {
  /// Numbers of 32 bits.
  case float32
  /// Token ids, labels, positions; where random numbers are keyed, the bits of unsigned ones.
  case int32
}

/// Shape and element type of an array: what a kernel and a compiler need to know of it.
public struct ArrayType: Hashable, Sendable, CustomStringConvertible {
  /// Extents, outermost first.
  public let shape: Shape
  /// What its elements are.
  public let element: ElementType

  /// An array's type.
  public init(_ shape: Shape, _ element: ElementType = .float32) {
    self.shape = shape
    self.element = element
  }

  /// Number of elements.
  public var count: Int { shape.count }

  /// The same element type under another shape.
  public func with(_ shape: Shape) -> ArrayType { ArrayType(shape, element) }

  public var description: String { "\(element)\(shape)" }
}
