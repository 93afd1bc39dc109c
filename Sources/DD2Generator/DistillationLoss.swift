import TensorCore

/// Which form of the conditional score distillation loss trains the generator.
public enum DistillationLoss: String, Codable, CaseIterable, Sendable {
  /// Score identity distillation (Zhou et al. 2024), the paper's choice.
  case sid
  /// Distribution matching distillation (Yin et al. 2024).
  case dmd
}

/// Rectified-flow noising `x_t = (1-t) q + t noise`.
/// - Parameters:
///   - q_BLD: clean latents (B, L, D).
///   - t: times (K, B, L).
///   - noise: (K, B, L, D).
/// - Returns: (K, B, L, D)
public func noised(_ q_BLD: Tensor, t: Tensor, noise: Tensor) -> Tensor {
  let t_KBL1 = t.inserting(axis: -1)
  return (1 - t_KBL1) * q_BLD + t_KBL1 * noise
}

/// The conditional score distillation loss at one noise draw (DD2, arXiv 2510.21003, section 4.3).
///
/// - SiD: per token `w [ (f_r - f_f).(f_r - q) - alpha |f_r - f_f|^2 ]`; gradients flow through q, f_r and f_f as far as
///   the caller's graph lets them.
/// - DMD: the gradient of `q . sg(w (f_f - f_r))`: it reaches q directly and nothing else.
///
/// Summed over D, averaged over (K, B, L); `w = 1 / (mean over (L, D) of |sg(q) - sg(f_r)| + 1e-3)` per (K, B).
/// - Parameters:
///   - q_BLD: generated latents (B, L, D).
///   - real_KBLD: the teacher's posterior mean f_r (K, B, L, D).
///   - fake_KBLD: the score network's prediction f_f (K, B, L, D).
///   - alpha: weight of the squared difference in the SiD form.
/// - Returns: a scalar.
public func conditionalScoreDistillationLoss(
  _ form: DistillationLoss, q_BLD: Tensor, real_KBLD: Tensor, fake_KBLD: Tensor, alpha: Float
) -> Tensor {
  let (K, B, L, D) = real_KBLD.dims4
  precondition(
    q_BLD.shape == [B, L, D] && fake_KBLD.shape == real_KBLD.shape,
    "conditionalScoreDistillationLoss: q \(q_BLD.shape), f_r \(real_KBLD.shape), f_f \(fake_KBLD.shape)")
  let weight_KB11 = withoutGradient {
    let distance = (q_BLD - real_KBLD).abs().reshaped([K, B, L * D]).mean(axis: 2, keepingAxis: true)
    return (distance + 1e-3).reciprocal().reshaped([K, B, 1, 1])
  }
  let tokens = Float(K * B * L)
  switch form {
  case .sid:
    let difference = real_KBLD - fake_KBLD
    let perElement = difference * (real_KBLD - q_BLD) - difference.square() * alpha
    return (perElement * weight_KB11).sum() / tokens
  case .dmd:
    let direction = withoutGradient { (fake_KBLD - real_KBLD) * weight_KB11 }.stopGradient()
    return (q_BLD * direction).sum() / tokens
  }
}
