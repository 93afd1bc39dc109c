/// A Float32 array, row-major and contiguous, that remembers how it was computed.
///
/// Values do not change after creation, apart from explicit updates in place (`Ops/Updates.swift`): optimiser state,
/// averages and caches.
/// Misuse of shapes is a programming mistake and stops the program, naming the op, what it expected and what it got.
public struct Tensor: @unchecked Sendable {
  /// The array on its backend.
  public let storage: Storage
  /// Where the tensor stands in the graph; nil for constants.
  let edge: Edge?

  init(_ storage: Storage, edge: Edge? = nil) {
    precondition(storage.type.element == .float32, "Tensor: an array of \(storage.type)")
    self.storage = storage
    self.edge = edge
  }

  /// Extents, outermost first.
  public var shape: Shape { storage.type.shape }

  /// The backend that holds the elements.
  var backend: any Backend { storage.backend }

  /// Number of elements.
  public var count: Int { shape.count }

  /// A tensor with the given elements, copied from the host. Inside a step it is an input of the step.
  public init(_ elements: [Float], _ shape: Shape) {
    precondition(elements.count == shape.count, "Tensor: \(elements.count) elements for shape \(shape)")
    self.init(Backends.current.upload(elements, shape))
  }

  /// A scalar that may differ from step to step; see `init(repeating:_:)` for one that does not.
  public init(_ value: Float) { self.init([value], []) }

  /// A tensor with every element equal to a constant.
  public init(repeating value: Float, _ shape: Shape) {
    self.init(run(.movement(.fill(ArrayType(shape), value))))
  }

  /// Memory that nothing was written to yet: for `assign` to fill before anything reads it. Large ones take no pages
  /// of the system until then.
  public static func unfilled(_ shape: Shape) -> Tensor { Tensor(Backends.current.allocate(ArrayType(shape))) }

  /// A tensor of zeros.
  public static func zeros(_ shape: Shape) -> Tensor { Tensor(repeating: 0, shape) }

  /// Explicit copy of the elements to the host.
  public var elements: [Float] { backend.floats(storage) }

  /// The single element of a one-element tensor, copied to the host.
  public var item: Float {
    precondition(count == 1, "item: expected one element, got shape \(shape)")
    return elements[0]
  }

  /// The same value as a new leaf of the graph: gradients with respect to it can be asked for.
  public func asLeaf() -> Tensor {
    Tensor(storage, edge: Edge(node: Node(inputs: [], backward: nil), output: 0))
  }

  /// The same value, with no gradient flowing through it (`sg` in the paper).
  public func stopGradient() -> Tensor { Tensor(storage) }

  /// A copy in memory of its own, no part of any graph.
  public func copy() -> Tensor { Tensor(run(.movement(.copy), storage)) }

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
