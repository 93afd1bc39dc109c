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
      groups: 1, rowsPerGroup: x.shape.rows, width: width, isCentred: true, offset: 0, epsilon: epsilon,
      hasMultiplier: weight != nil, hasShift: bias != nil))
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
    RowNorm(
      groups: B, rowsPerGroup: L, width: C, isCentred: true, offset: 1, epsilon: epsilon, hasMultiplier: true,
      hasShift: true))
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
      groups: 1, rowsPerGroup: x.shape.rows, width: width, isCentred: false, offset: 0, epsilon: epsilon,
      hasMultiplier: true, hasShift: false))
}

private func normalize(_ x: Tensor, multiplier: Tensor?, shift: Tensor?, _ norm: RowNorm) -> Tensor {
  let inputs = [x, multiplier, shift].compactMap { $0 }
  let results = run(.norm(.normalize(norm)), inputs.map(\.storage))
  let multipliers = multiplier.map { [$0.storage] } ?? []
  return Tensor(results[0]).recorded(from: inputs) { gradY, wanted in
    var flags = wanted
    if multiplier == nil { flags.insert(false, at: 1) }
    if shift == nil { flags.append(false) }
    var gradients = run(
      .norm(.normalizeBackward(norm, wanted: flags)), [x.storage, gradY.storage, results[1]] + multipliers)[...]
    return wanted.map { $0 ? gradients.popFirst().map { Tensor($0) } : nil }
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
  let (B, _, C) = x_BLC.dims3
  precondition(
    y_BLC.shape == x_BLC.shape && gate_BC.shape == [B, C],
    "gatedResidual: x \(x_BLC.shape) wants y alike and gate (\(B), \(C)), got \(y_BLC.shape), \(gate_BC.shape)"
  )
  let z = Tensor(run(.norm(.gatedResidual), x_BLC.storage, y_BLC.storage, gate_BC.storage))
  let (y, gate) = (y_BLC.storage, gate_BC.storage)
  return z.recorded(from: [x_BLC, y_BLC, gate_BC]) { gradZ, wanted in
    let inner = [wanted[1], wanted[2]]
    var gradients = run(.norm(.gatedResidualBackward(wanted: inner)), [y, gate, gradZ.storage])[...]
    return [wanted[0] ? gradZ : nil] + inner.map { $0 ? gradients.popFirst().map { Tensor($0) } : nil }
  }
}
