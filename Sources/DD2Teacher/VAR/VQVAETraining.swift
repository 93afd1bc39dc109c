import TensorCore

extension VQVAE {
  /// Quantisation with its losses, averaged over the scales (`VectorQuantizer2.forward` of `models/quant.py`).
  public func quantizeForTraining(_ latents_BhwD: Tensor, commitment: Float) -> TrainingQuantization {
    let fixed = latents_BhwD.stopGradient()
    let quantization = quantize(latents_BhwD)
    var loss = Tensor(repeating: 0, [])
    for map in quantization.partialMaps {
      let pull = (map - fixed).square().mean()
      let pullBack = (map.stopGradient() - latents_BhwD).square().mean()
      loss = loss + pull + pullBack * commitment
    }
    loss = loss / Float(quantization.partialMaps.count)
    let final = quantization.partialMaps[quantization.partialMaps.count - 1].stopGradient()
    return TrainingQuantization(
      straightThrough: latents_BhwD + (final - fixed), loss: loss, ids: quantization.ids,
      queries: quantization.queries)
  }
}
