/// A Float32 array, row-major and contiguous, that remembers how it was computed.
///
/// Values do not change after creation, apart from the optimiser's in-place updates (`Ops/Optimizer.swift`) and caches
/// that are filled with `overwrite`.
/// Misuse of shapes is a programming mistake and stops the program, naming the op, what it expected and what it got.
public struct Tensor: @unchecked Sendable {
  /// Extents, outermost first.
  public let shape: Shape
  /// The memory that holds the elements.
  public let storage: Storage
  /// Where the tensor stands in the graph; nil for constants.
  let edge: Edge?

  init(shape: Shape, storage: Storage, edge: Edge? = nil) {
    precondition(
      storage.count >= shape.count, "Tensor: storage of \(storage.count) elements for shape \(shape)")
    self.shape = shape
    self.storage = storage
    self.edge = edge
  }

  /// The backend that holds the elements.
  var backend: any Backend { storage.backend }

  /// Number of elements.
  public var count: Int { shape.count }

  /// A tensor with the given elements.
  public init(_ elements: [Float], _ shape: Shape) {
    precondition(elements.count == shape.count, "Tensor: \(elements.count) elements for shape \(shape)")
    let storage = Backends.current.allocate(shape.count)
    storage.backend.copyFromHost(elements, to: storage)
    self.init(shape: shape, storage: storage)
  }

  /// A scalar.
  public init(_ value: Float) { self.init([value], []) }

  /// A tensor with every element equal to `value`.
  public init(repeating value: Float, _ shape: Shape) {
    let storage = Backends.current.allocate(shape.count)
    storage.backend.fill(storage, value: value, count: shape.count)
    self.init(shape: shape, storage: storage)
  }

  /// Memory that nothing was written to yet: for `assign` to fill before anything reads it. Large ones take no pages
  /// of the system until then.
  public static func unfilled(_ shape: Shape) -> Tensor {
    Tensor(shape: shape, storage: Backends.current.allocate(shape.count))
  }

  /// A tensor of zeros.
  public static func zeros(_ shape: Shape) -> Tensor { Tensor(repeating: 0, shape) }

  /// Uninitialised memory on the same backend, for a kernel to fill.
  func empty(_ shape: Shape) -> Tensor { Tensor(shape: shape, storage: backend.allocate(shape.count)) }

  /// Explicit copy of the elements to the host.
  public var elements: [Float] { backend.copyToHost(storage, count: count) }

  /// The single element of a one-element tensor, copied to the host.
  public var item: Float {
    precondition(count == 1, "item: expected one element, got shape \(shape)")
    return backend.copyToHost(storage, count: 1)[0]
  }

  /// The same value as a new leaf of the graph: gradients with respect to it can be asked for.
  public func asLeaf() -> Tensor {
    Tensor(shape: shape, storage: storage, edge: Edge(node: Node(inputs: [], backward: { _, _ in [] }), output: 0))
  }

  /// The same value, with no gradient flowing through it (`sg` in the paper).
  public func stopGradient() -> Tensor { Tensor(shape: shape, storage: storage) }

  /// A copy in memory of its own, no part of any graph.
  public func copy() -> Tensor {
    let result = empty(shape)
    backend.copy(storage, to: result.storage, count: count)
    return result
  }

  /// Whether a gradient can flow to this tensor.
  public var requiresGradient: Bool { edge != nil }

  // MARK: Checked unpacking, for the first line of a forward pass

  /// The extents of a rank-1 tensor.
  public var dims1: Int {
    precondition(shape.rank == 1, "dims1: expected rank 1, got \(shape)")
    return shape[0]
  }

  /// The extents of a rank-2 tensor.
  public var dims2: (Int, Int) {
    precondition(shape.rank == 2, "dims2: expected rank 2, got \(shape)")
    return (shape[0], shape[1])
  }

  /// The extents of a rank-3 tensor.
  public var dims3: (Int, Int, Int) {
    precondition(shape.rank == 3, "dims3: expected rank 3, got \(shape)")
    return (shape[0], shape[1], shape[2])
  }

  /// The extents of a rank-4 tensor.
  public var dims4: (Int, Int, Int, Int) {
    precondition(shape.rank == 4, "dims4: expected rank 4, got \(shape)")
    return (shape[0], shape[1], shape[2], shape[3])
  }
}

/// Integer data (token ids, labels) on the host, row-major.
public struct IndexTensor: Equatable, Sendable {
  /// Extents, outermost first.
  public private(set) var shape: Shape
  /// Elements in row-major order.
  public private(set) var values: [Int32]

  /// Integers with a shape.
  public init(_ values: [Int32], _ shape: Shape) {
    precondition(values.count == shape.count, "IndexTensor: \(values.count) elements for shape \(shape)")
    self.values = values
    self.shape = shape
  }

  /// The same elements under another shape of equal count.
  public func reshaped(_ shape: Shape) -> IndexTensor { IndexTensor(values, shape) }

  /// Adds the rows of (B, n) below these.
  public mutating func append(rows other: IndexTensor) {
    precondition(
      shape.rank == 2 && other.shape.rank == 2 && shape[1] == other.shape[1], "append: \(other.shape) to \(shape)")
    values += other.values
    shape = [shape[0] + other.shape[0], shape[1]]
  }

  /// Columns `range` of (B, n).
  public func columns(_ range: Range<Int>) -> IndexTensor {
    let (B, n) = (shape[0], shape[1])
    precondition(shape.rank == 2 && range.lowerBound >= 0 && range.upperBound <= n, "columns: \(range) of \(shape)")
    let values = (0..<B).flatMap { self.values[($0 * n + range.lowerBound)..<($0 * n + range.upperBound)] }
    return IndexTensor(values, [B, range.count])
  }

  /// The columns of several (B, n), side by side.
  public static func joined(columns parts: [IndexTensor]) -> IndexTensor {
    let B = parts[0].shape[0]
    let values = (0..<B).flatMap { row in
      parts.flatMap { part in part.values[(row * part.shape[1])..<((row + 1) * part.shape[1])] }
    }
    return IndexTensor(values, [B, parts.reduce(0) { $0 + $1.shape[1] }])
  }
}
