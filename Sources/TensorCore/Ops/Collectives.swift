/// Each tensor's sum over all replicas of its backend, equal in all of them. A backend may return before the sums are there:
/// who reads one first waits. No gradient.
public func summedOverReplicas(_ tensors: [Tensor]) -> [Tensor] {
  guard let backend = tensors.first?.backend, backend.replicas.count > 1 else {
    return tensors.map { $0.stopGradient() }
  }
  return run(.collective(.sum), tensors.map(\.storage)).map { Tensor($0) }
}

extension Tensor {
  /// The replicas of its backend.
  public var replicaCount: Int { backend.replicas.count }

  /// Its mean over all replicas of its backend, equal in all of them. No gradient.
  public func meanOverReplicas() -> Tensor {
    replicaCount > 1 ? summedOverReplicas([self])[0] / Float(replicaCount) : stopGradient()
  }

  /// A tensor that differs from replica to replica, copied from the host.
  /// - Parameters:
  ///   - elements: those of this process's replicas, one replica after the other.
  ///   - shape: of one replica's tensor.
  public init(perReplica elements: [Float], _ shape: Shape) {
    let backend = Backends.current
    precondition(
      elements.count == shape.count * backend.replicas.here.count,
      "Tensor: \(elements.count) elements for shape \(shape) of \(backend.replicas.here.count) replicas")
    self.init(backend.distribute(elements, shape))
  }
}

extension IndexTensor {
  /// Integers that differ from replica to replica, as `Tensor.init(perReplica:_:)`.
  public init(perReplica values: [Int32], _ shape: Shape) {
    let backend = Backends.current
    precondition(
      values.count == shape.count * backend.replicas.here.count,
      "IndexTensor: \(values.count) elements for shape \(shape) of \(backend.replicas.here.count) replicas")
    self.init(backend.distribute(values, shape))
  }

  /// A list in each replica, all of one length.
  public init(perReplica values: [Int32]) {
    self.init(perReplica: values, [values.count / Backends.current.replicas.here.count])
  }
}
