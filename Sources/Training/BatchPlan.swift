import TensorCore

/// How an update goes through its batch: every replica takes an equal part of it, at once or in passes of equal size whose
/// gradients are added up, so that memory is that of a pass. The update is the same but for rounding.
public struct BatchPlan: Sendable {
  /// Rows of the batch, over all replicas.
  public let batch: Int
  /// Rows of a replica's pass.
  public let passSize: Int
  /// Whether blocks compute what their gradients need again, instead of keeping it.
  public let recomputes: Bool
  private let replicas: Replicas

  /// A plan.
  /// - Parameters:
  ///   - passSize: the most rows of a pass, 0 for all of a replica's; fewer where they do not divide its part.
  ///   - replicas: which share the batch; their number divides it.
  public init(batch: Int, passSize: Int = 0, recomputes: Bool = false, replicas: Replicas = Backends.current.replicas) {
    precondition(
      batch > 0 && passSize >= 0 && batch % replicas.count == 0,
      "BatchPlan: a batch of \(batch) for \(replicas.count) replicas in passes of \(passSize)")
    self.batch = batch
    let part = batch / replicas.count
    let most = passSize == 0 ? part : min(part, passSize)
    self.passSize = (1...most).last { part % $0 == 0 } ?? part
    self.recomputes = recomputes
    self.replicas = replicas
  }

  /// The passes, in order.
  public var passes: [BatchPass] {
    let part = batch / replicas.count
    return stride(from: 0, to: part, by: passSize).map { start in
      BatchPass(rows: replicas.here.map { ($0 * part + start)..<($0 * part + start + passSize) }, batch: batch)
    }
  }
}

/// Rows of a batch that go through the networks together.
public struct BatchPass: Equatable, Sendable {
  /// The rows of each replica of this process, all as many.
  public let rowsOfReplicas: [Range<Int>]
  /// Rows of the whole batch.
  public let batch: Int

  /// A pass.
  public init(rows: [Range<Int>], batch: Int) {
    precondition(
      !rows.isEmpty && rows.allSatisfy { $0.count == rows[0].count }, "BatchPass: \(rows) for the replicas")
    rowsOfReplicas = rows
    self.batch = batch
  }

  /// Number of a replica's rows.
  public var count: Int { rowsOfReplicas[0].count }
  /// Which rows, one replica after the other: what is copied to the replicas (`Backend.distribute`).
  public var rows: [Int] { rowsOfReplicas.flatMap { Array($0) } }
  /// Whether these are all rows.
  public var isWhole: Bool { rowsOfReplicas == [0..<batch] }
}
