/// Layer norm over the last axis: `y = (x - mean) / sqrt(variance + epsilon) * weight + bias`.
///
/// Backward, with n the normalised row and h = gradY weight:
/// `gradX = (h - mean(h) - n mean(h n)) / sqrt(variance + epsilon)`, `gradWeight = sum n gradY`,
/// `gradBias = sum gradY`.
/// - Parameters:
///   - x: (..., C).
///   - weight: (C), or nil for 1.
///   - bias: (C), or nil for 0.
/// - Returns: (..., C).
public func layerNorm(_ x: Tensor, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Float) -> Tensor {
  let width = x.shape.last
  for (name, vector) in [("weight", weight), ("bias", bias)] {
    precondition(
      vector.map { $0.shape == [width] } ?? true,
      "layerNorm: x \(x.shape) wants \(name) (\(width)), got \(vector?.shape ?? [])")
  }
  return normalize(
    x, multiplier: weight, shift: bias,
    RowNorm(
      groups: 1, rowsPerGroup: x.shape.rows, width: width, isCentred: true, offset: 0, epsilon: epsilon))
}

/// Adaptive layer norm, fused: `y = layerNorm(x) (1 + scale) + shift`, scale and shift shared by a sample's tokens.
///
/// Backward is that of `layerNorm`, sums running over the tokens of each sample.
/// - Parameters:
///   - x_BLC: (B, L, C).
///   - scale_BC: (B, C).
///   - shift_BC: (B, C).
/// - Returns: (B, L, C).
public func layerNormModulate(_ x_BLC: Tensor, scale_BC: Tensor, shift_BC: Tensor, epsilon: Float) -> Tensor {
  let (B, L, C) = x_BLC.dims3
  precondition(
    scale_BC.shape == [B, C] && shift_BC.shape == [B, C],
    "layerNormModulate: x \(x_BLC.shape) wants scale and shift (\(B), \(C)), got \(scale_BC.shape), \(shift_BC.shape)"
  )
  return normalize(
    x_BLC, multiplier: scale_BC, shift: shift_BC,
    RowNorm(groups: B, rowsPerGroup: L, width: C, isCentred: true, offset: 1, epsilon: epsilon))
}

/// RMS norm over the last axis: `y = x / sqrt(mean(x^2) + epsilon) * weight`.
///
/// Backward as in `layerNorm` without the mean's term.
/// - Parameters:
///   - x: (..., C).
///   - weight: (C).
/// - Returns: (..., C).
public func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Float) -> Tensor {
  let width = x.shape.last
  precondition(weight.shape == [width], "rmsNorm: x \(x.shape) wants weight (\(width)), got \(weight.shape)")
  return normalize(
    x, multiplier: weight, shift: nil,
    RowNorm(
      groups: 1, rowsPerGroup: x.shape.rows, width: width, isCentred: false, offset: 0, epsilon: epsilon))
}

private func normalize(_ x: Tensor, multiplier: Tensor?, shift: Tensor?, _ norm: RowNorm) -> Tensor {
  let y = x.empty(x.shape)
  let statistics = x.empty([2, x.shape.rows])
  x.backend.normalizeRows(
    x.storage, multiplier: multiplier?.storage, shift: shift?.storage, into: y.storage,
    statistics: statistics.storage, norm)
  return y.recorded(from: [x, multiplier, shift].compactMap { $0 }) { gradY, wanted in
    let shiftIndex = multiplier == nil ? 1 : 2
    let gradX = wanted[0] ? x.empty(x.shape) : nil
    let gradMultiplier = multiplier.flatMap { wanted[1] ? x.empty($0.shape) : nil }
    let gradShift = shift.flatMap { wanted[shiftIndex] ? x.empty($0.shape) : nil }
    x.backend.normalizeRowsBackward(
      x.storage, gradY: gradY.storage, multiplier: multiplier?.storage, statistics: statistics.storage,
      gradX: gradX?.storage, gradMultiplier: gradMultiplier?.storage, gradShift: gradShift?.storage, norm)
    return [gradX] + (multiplier == nil ? [] : [gradMultiplier]) + (shift == nil ? [] : [gradShift])
  }
}

/// Residual connection behind a gate per sample and channel, fused: `z = x + gate y`.
///
/// Backward: `gradX = gradZ`, `gradY = gate gradZ`, `gradGate = sum over tokens of y gradZ`.
/// - Parameters:
///   - x_BLC: (B, L, C).
///   - y_BLC: (B, L, C).
///   - gate_BC: (B, C).
/// - Returns: (B, L, C).
public func gatedResidual(_ x_BLC: Tensor, _ y_BLC: Tensor, gate_BC: Tensor) -> Tensor {
  let (B, L, C) = x_BLC.dims3
  precondition(
    y_BLC.shape == x_BLC.shape && gate_BC.shape == [B, C],
    "gatedResidual: x \(x_BLC.shape) wants y alike and gate (\(B), \(C)), got \(y_BLC.shape), \(gate_BC.shape)"
  )
  let z = x_BLC.empty(x_BLC.shape)
  z.backend.gatedResidual(
    x_BLC.storage, y_BLC.storage, gate: gate_BC.storage, into: z.storage, groups: B, rowsPerGroup: L, width: C
  )
  return z.recorded(from: [x_BLC, y_BLC, gate_BC]) { gradZ, wanted in
    let gradY = wanted[1] ? gradZ.empty(y_BLC.shape) : nil
    let gradGate = wanted[2] ? gradZ.empty(gate_BC.shape) : nil
    gradZ.backend.gatedResidualBackward(
      y_BLC.storage, gate: gate_BC.storage, gradZ: gradZ.storage, gradY: gradY?.storage,
      gradGate: gradGate?.storage, groups: B, rowsPerGroup: L, width: C)
    return [wanted[0] ? gradZ : nil, gradY, gradGate]
  }
}
