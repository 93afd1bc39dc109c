/// How rows are normalised: `y = (x - mean) / sqrt(variance + epsilon) * (offset + multiplier) + shift`, where the
/// rows of a group share a multiplier and a shift.
public struct RowNorm: Sendable {
  /// Number of groups: one for a layer norm with weights, the batch for a modulated one.
  public var groups: Int
  /// Rows in each group.
  public var rowsPerGroup: Int
  /// Elements in a row.
  public var width: Int
  /// Whether the mean is subtracted (layer norm) or not (RMS norm).
  public var isCentred: Bool
  /// Added to the multiplier: 1 in modulation, else 0.
  public var offset: Float
  /// Added to the variance.
  public var epsilon: Float

  /// A normalisation of (groups * rowsPerGroup, width).
  public init(
    groups: Int, rowsPerGroup: Int, width: Int, isCentred: Bool, offset: Float, epsilon: Float
  ) {
    self.groups = groups
    self.rowsPerGroup = rowsPerGroup
    self.width = width
    self.isCentred = isCentred
    self.offset = offset
    self.epsilon = epsilon
  }
}

/// Normalisation layers.
public protocol NormKernels {
  /// Normalises rows; multiplier and shift are (groups, width). Writes mean, then inverse deviation, (2, rows).
  func normalizeRows(
    _ x: Storage, multiplier: Storage?, shift: Storage?, into y: Storage, statistics: Storage, _ norm: RowNorm
  )
  /// Gradients of `normalizeRows`, in one pass; nil ones are not computed.
  func normalizeRowsBackward(
    _ x: Storage, gradY: Storage, multiplier: Storage?, statistics: Storage, gradX: Storage?,
    gradMultiplier: Storage?, gradShift: Storage?, _ norm: RowNorm)
  /// `z = x + gate y`, gate (groups, width) shared by the rows of a group.
  func gatedResidual(
    _ x: Storage, _ y: Storage, gate: Storage, into z: Storage, groups: Int, rowsPerGroup: Int, width: Int)
  /// `gradY = gate gradZ`, `gradGate = sum over rows of y gradZ`; nil ones are not computed.
  func gatedResidualBackward(
    _ y: Storage, gate: Storage, gradZ: Storage, gradY: Storage?, gradGate: Storage?, groups: Int,
    rowsPerGroup: Int, width: Int)
}
