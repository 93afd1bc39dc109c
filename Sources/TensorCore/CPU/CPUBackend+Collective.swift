/// The other processes of a job, which run the same steps on the CPU.
public protocol Peers: Sendable {
  /// The replicas, one a process.
  var replicas: Replicas { get }
  /// Begins to add up arrays over all processes, which call it in the same order with arrays of the same sizes.
  /// - Parameters:
  ///   - arrays: stay as they are until the arrival.
  ///   - sums: where the results go, at the arrival.
  ///   - owners: of all this memory; held until the arrival.
  func beginSum(
    _ arrays: [UnsafeBufferPointer<Float>], into sums: [UnsafeMutableBufferPointer<Float>], holding owners: [AnyObject]
  ) -> any Arrival
}

/// Something that comes later.
public protocol Arrival: Sendable {
  /// Returns when it is there; at once from then on. Any thread may call.
  func wait()
}

extension CPUBackend {
  public var replicas: Replicas { peers?.replicas ?? .one }

  /// Sums over all processes, which are still on their way when this returns.
  func sums(_ operands: [Storage]) -> [Storage] {
    guard let peers else { return operands }
    let results = operands.map { HostStorage($0.type, backend: self) }
    let arrival = peers.beginSum(
      operands.map { UnsafeBufferPointer(start: $0.host, count: $0.count) },
      into: results.map { UnsafeMutableBufferPointer(start: $0.host, count: $0.count) }, holding: operands + results)
    for result in results { result.block.fills(at: arrival) }
    return results
  }
}
