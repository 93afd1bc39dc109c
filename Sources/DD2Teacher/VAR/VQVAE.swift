import Backbone
import NN
import TensorCore

/// VAR's multi-scale tokenizer (Tian et al. 2024; FoundationVision/VAR, `models/vqvae.py` and `models/quant.py`).
/// Parameter paths are the reference's state-dict keys.
public struct VQVAE: TrainableTokenizer {
  /// Sizes.
  public let configuration: VQVAEConfiguration
  /// All weights, the codebook `quantize.embedding.weight` and phi `quantize.quant_resi...` among them.
  public let parameters: ParameterSet
  /// The residual map over the scales.
  public let map: MultiScaleMap
  /// (V, D), the teacher's own scale.
  public let embedding: Tensor
  private let encoder: PixelEncoder
  private let decoder: PixelDecoder
  private let quantConv: Conv2d
  private let postQuantConv: Conv2d

  /// Builds the tokenizer; without a seed its weights are unset until they are loaded.
  public init(_ configuration: VQVAEConfiguration, seed: UInt64?) {
    self.configuration = configuration
    parameters = ParameterSet()
    let builder = ParameterBuilder(parameters, seed: seed)
    let D = configuration.latentDimension
    encoder = PixelEncoder(builder / "encoder", configuration.pixels)
    decoder = PixelDecoder(builder / "decoder", configuration.pixels)
    quantConv = Conv2d(builder / "quant_conv", D, D, kernel: 3)
    postQuantConv = Conv2d(builder / "post_quant_conv", D, D, kernel: 3)
    let quantize = builder / "quantize"
    embedding = quantize.parameter("embedding.weight", [configuration.vocabulary, D], .normal(0.5))
    map = MultiScaleMap(quantize, patchSides: configuration.patchSides, latentDimension: D)
  }

  /// Images (B, H, W, 3) in [-1, 1] to the continuous latent image (B, S, S, D).
  public func latentImage(_ images_BhwC: Tensor) -> Tensor { quantConv(encoder(images_BhwC)) }

  /// Latent image (B, S, S, D) to images (B, H, W, 3), not clamped.
  public func pixels(_ latents_BhwD: Tensor) -> Tensor { decoder(postQuantConv(latents_BhwD)) }

  /// Token ids (B, L) to images (B, H, W, 3) in [-1, 1] (`fhat_to_img`).
  /// - Throws: `NonFiniteOutput`.
  public func decode(ids_BL: IndexTensor) throws -> Tensor { try decode(latents_BLD: embedding.gatherRows(ids_BL)) }

  /// As `decode(ids_BL:)`, from vectors (B, L, D) in the codebook's scale, codes or not.
  /// - Throws: `NonFiniteOutput`.
  public func decode(latents_BLD: Tensor) throws -> Tensor {
    try OutputCheck.step(.decoder) { check in
      let pixels = pixels(map.featureMap(latents_BLD: latents_BLD))
      check.add(pixels)
      return pixels.clamp(-1, 1)
    }
  }

  /// Images (B, H, W, 3) in [-1, 1] to token ids (B, L) (`img_to_idxBl`).
  /// - Throws: `NonFiniteOutput`.
  public func encode(images_BhwC: Tensor) throws -> IndexTensor {
    try OutputCheck.step(.encoder) { check in
      withoutGradient {
        let latents = latentImage(images_BhwC)
        check.add(latents)
        return quantize(latents).ids
      }
    }
  }

  /// What the residual quantisation of a latent image gives.
  public struct Quantization {
    /// Token ids (B, L).
    public let ids: IndexTensor
    /// The latent image after each scale's contribution, (B, S, S, D) each; gradients reach codebook and phi.
    public let partialMaps: [Tensor]
    /// The vectors that were quantised, (B * l, D) per scale; constants, for restarting unused codes.
    public let queries: [Tensor]
  }

  /// Greedy residual quantisation over the scales (`f_to_idxBl_or_fhat`).
  /// - Parameter latents_BhwD: (B, S, S, D).
  public func quantize(_ latents_BhwD: Tensor) -> Quantization {
    let (B, _, _, D) = latents_BhwD.dims4
    let search = NearestCode(embedding.stopGradient())
    var rest = latents_BhwD.stopGradient()
    var map: Tensor?
    var maps: [Tensor] = []
    var ids: [IndexTensor] = []
    var queries: [Tensor] = []
    for (scale, side) in configuration.patchSides.enumerated() {
      let query = withoutGradient { self.map.view(of: rest, side: side) }.reshaped([B * side * side, D])
      let chosen = search.nearest(query).reshaped([B, side * side])
      let added = self.map.contribution(latents_BlD: embedding.gatherRows(chosen), scale: scale)
      let sum = map.map { $0 + added } ?? added
      rest = withoutGradient { rest - added.stopGradient() }
      map = sum
      maps.append(sum)
      ids.append(chosen)
      queries.append(query)
    }
    return Quantization(
      ids: .joined(columns: ids), partialMaps: maps, queries: queries)
  }
}
