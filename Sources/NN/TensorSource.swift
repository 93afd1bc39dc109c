import TensorCore

/// Named tensors of known shapes that are read one by one, when asked for: weights in a file that would fill the memory
/// twice if they were all read before the network takes them.
public struct TensorSource: Sendable {
  /// The shape of every tensor by name.
  public let shapes: [String: Shape]
  private let reader: @Sendable (String) throws -> Tensor

  /// A source of tensors.
  /// - Parameter read: the tensor of a name in `shapes`, in that shape.
  public init(shapes: [String: Shape], read: @escaping @Sendable (String) throws -> Tensor) {
    self.shapes = shapes
    reader = read
  }

  /// The tensor of a name; throws what reading it throws.
  public func read(_ name: String) throws -> Tensor {
    let tensor = try reader(name)
    precondition(tensor.shape == shapes[name], "TensorSource: \(name) was read as \(tensor.shape)")
    return tensor
  }

  /// The tensors below `prefix.`, without it.
  public func removingPrefix(_ prefix: String) -> TensorSource {
    let start = prefix + "."
    let inner = shapes.filter { $0.key.hasPrefix(start) }.map { (String($0.key.dropFirst(start.count)), $0.value) }
    return TensorSource(shapes: Dictionary(uniqueKeysWithValues: inner)) { [reader] in try reader(start + $0) }
  }
}
