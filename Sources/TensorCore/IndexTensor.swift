/// Integers on a backend, row-major: token ids, labels, positions.
public struct IndexTensor: @unchecked Sendable {
  /// The array on its backend.
  public let storage: Storage

  init(_ storage: Storage) {
    precondition(storage.type.element == .int32, "IndexTensor: an array of \(storage.type)")
    self.storage = storage
  }

  /// Extents, outermost first.
  public var shape: Shape { storage.type.shape }
  /// Number of elements.
  public var count: Int { shape.count }

  /// Integers copied from the host. Inside a step they are an input of the step.
  public init(_ values: [Int32], _ shape: Shape) {
    precondition(values.count == shape.count, "IndexTensor: \(values.count) elements for shape \(shape)")
    self.init(Backends.current.upload(values, shape))
  }

  /// A list, such as one label per sample.
  public init(_ values: [Int32]) { self.init(values, [values.count]) }

  /// A host array.
  public init(_ array: IndexArray) { self.init(array.values, array.shape) }

  /// Every element equal to a constant.
  public init(repeating value: Int, _ shape: Shape) {
    precondition(abs(value) <= 1 << 24, "IndexTensor: \(value) is beyond what a constant can be")
    self.init(run(.movement(.fill(ArrayType(shape, .int32), Float(value)))))
  }

  /// A scalar that may differ from step to step, such as a position.
  public static func scalar(_ value: Int) -> IndexTensor { IndexTensor([Int32(value)], []) }

  /// Explicit copy of the elements to the host.
  public var values: [Int32] { storage.backend.integers(storage) }

  /// Explicit copy to the host, with the shape.
  public var array: IndexArray { IndexArray(values, shape) }
}

extension IndexTensor: ExpressibleByArrayLiteral {
  public init(arrayLiteral elements: Int32...) { self.init(elements) }
}

/// Integers on the host, row-major: what files hold and the command line prints.
public struct IndexArray: Equatable, Sendable {
  /// Extents, outermost first.
  public private(set) var shape: Shape
  /// Elements in row-major order.
  public private(set) var values: [Int32]

  /// Integers with a shape.
  public init(_ values: [Int32], _ shape: Shape) {
    precondition(values.count == shape.count, "IndexArray: \(values.count) elements for shape \(shape)")
    self.values = values
    self.shape = shape
  }

  /// Rows of (B, n), in the order of their indices.
  public func rows(_ indices: some Sequence<Int>) -> IndexArray {
    precondition(shape.rank == 2, "rows: of \(shape)")
    let n = shape[1]
    let values = indices.flatMap { self.values[($0 * n)..<(($0 + 1) * n)] }
    return IndexArray(values, [n == 0 ? 0 : values.count / n, n])
  }

  /// Adds the rows of (B, n) below these.
  public mutating func append(rows other: IndexArray) {
    precondition(
      shape.rank == 2 && other.shape.rank == 2 && shape[1] == other.shape[1], "append: \(other.shape) to \(shape)")
    values += other.values
    shape = [shape[0] + other.shape[0], shape[1]]
  }
}
