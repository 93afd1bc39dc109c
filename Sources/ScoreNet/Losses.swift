import TensorCore

/// The denoising loss of both stages: squared distance summed over D, averaged over (K, B, L).
///
/// Ground-truth score loss (GTS, stage 1): the target is the teacher's closed-form posterior mean (K, B, L, D).
/// Fake conditional score loss (FCS, stage 2): the target is the clean token itself (B, L, D), repeated over K.
/// - Returns: a scalar.
public func denoisingLoss(prediction_KBLD: Tensor, target: Tensor) -> Tensor {
  let D = prediction_KBLD.shape.last
  precondition(target.shape.last == D, "denoisingLoss: \(prediction_KBLD.shape) against \(target.shape)")
  return (prediction_KBLD - target).square().mean() * Float(D)
}
