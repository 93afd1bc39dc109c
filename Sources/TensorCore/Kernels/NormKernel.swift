/// How rows are normalised: `y = (x - mean) / sqrt(variance + epsilon) * (offset + multiplier) + shift`, where the
/// rows of a group share a multiplier and a shift.
public struct RowNorm: Hashable, Sendable {
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
  /// Whether there is a multiplier, and a shift.
  public var hasMultiplier, hasShift: Bool

  /// The type of multiplier and shift: (width) for all rows, (groups, width) in modulation.
  var vectors: ArrayType { ArrayType(offset == 0 ? [width] : [groups, width]) }
}

/// Normalisation of rows. Operands in brackets are there or not, as the kernel says.
public enum NormKernel: Hashable, Sendable {
  /// x, [multiplier], [shift]: y; and mean, then inverse deviation, of each row, (2, rows).
  case normalize(RowNorm)
  /// x, gradY, statistics, [multiplier]: those of the gradients of x, multiplier and shift that are wanted.
  case normalizeBackward(RowNorm, wanted: [Bool])
  /// x, y (B, L, C), gate (B, C): `x + gate y`
  case gatedResidual
  /// y, gate, gradZ: those of `gradY = gate gradZ` and `gradGate = sum over L of y gradZ` that are wanted.
  case gatedResidualBackward(wanted: [Bool])

  func results(of operands: [ArrayType]) -> [ArrayType] {
    let x = operands[0]
    switch self {
    case .normalize: return [x, ArrayType([2, x.shape.rows])]
    case .normalizeBackward(let norm, let wanted):
      return [x, norm.vectors, norm.vectors].wanted(wanted)
    case .gatedResidual: return [x]
    case .gatedResidualBackward(let wanted): return [x, operands[1]].wanted(wanted)
    }
  }
}
