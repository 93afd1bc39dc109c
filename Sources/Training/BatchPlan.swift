/// How an update goes through its batch: at once, or in passes of equal size whose gradients are added up, so that memory is
/// that of a pass. The update is the same but for rounding.
public struct BatchPlan: Sendable {
  /// Rows of the batch.
  public let batch: Int
  /// Rows of a pass, a divisor of the batch.
  public let passSize: Int
  /// Whether blocks compute what their gradients need again, instead of keeping it.
  public let recomputes: Bool

  /// A plan.
  /// - Parameter passSize: 0 for the whole batch.
  public init(batch: Int, passSize: Int = 0, recomputes: Bool = false) {
    precondition(
      batch > 0 && passSize >= 0 && (passSize == 0 || batch % passSize == 0),
      "BatchPlan: a batch of \(batch) in passes of \(passSize)")
    self.batch = batch
    self.passSize = passSize == 0 ? batch : passSize
    self.recomputes = recomputes
  }

  /// The passes, in order.
  public var passes: [BatchPass] {
    stride(from: 0, to: batch, by: passSize).map { BatchPass(rows: $0..<($0 + passSize), batch: batch) }
  }
}

/// Rows of a batch that go through the networks together.
public struct BatchPass: Equatable, Sendable {
  /// Which rows.
  public let rows: Range<Int>
  /// Rows of the whole batch.
  public let batch: Int

  /// A pass.
  public init(rows: Range<Int>, batch: Int) {
    self.rows = rows
    self.batch = batch
  }

  /// Number of rows.
  public var count: Int { rows.count }
  /// Whether these are all rows.
  public var isWhole: Bool { rows == 0..<batch }
}
