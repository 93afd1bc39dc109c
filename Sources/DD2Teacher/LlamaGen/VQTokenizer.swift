import Backbone
import NN
import TensorCore

/// LlamaGen's tokenizer (Sun et al. 2024; FoundationVision/LlamaGen, `tokenizer/tokenizer_image/vq_model.py`): one code
/// per position, latents and codes compared and used at unit length. Parameter paths are the reference's state-dict
/// keys.
public struct VQTokenizer: TrainableTokenizer {
  /// Sizes.
  public let configuration: VQConfiguration
  /// All weights, the codebook `quantize.embedding.weight` among them.
  public let parameters: ParameterSet
  /// (V, D) as stored; see `codes_VD`.
  public let embedding: Tensor
  private let encoder: PixelEncoder
  private let decoder: PixelDecoder
  private let quantConv: Conv2d
  private let postQuantConv: Conv2d

  /// Builds the tokenizer; without a seed its weights are unset until they are loaded.
  public init(_ configuration: VQConfiguration, seed: UInt64?) {
    self.configuration = configuration
    parameters = ParameterSet()
    let builder = ParameterBuilder(parameters, seed: seed)
    let (channels, D) = (configuration.latentChannels, configuration.latentDimension)
    encoder = PixelEncoder(builder / "encoder", configuration.pixels)
    decoder = PixelDecoder(builder / "decoder", configuration.pixels)
    quantConv = Conv2d(builder / "quant_conv", channels, D, kernel: 1)
    postQuantConv = Conv2d(builder / "post_quant_conv", D, channels, kernel: 1)
    embedding = (builder / "quantize").parameter(
      "embedding.weight", [configuration.vocabulary, D], .normal(1 / Float(D).squareRoot()))
  }

  /// The codes that tokens stand for, (V, D): the rows of `embedding` at unit length. Gradients reach `embedding`.
  public var codes_VD: Tensor { Self.unitRows(embedding) }

  /// Images (B, H, W, 3) in [-1, 1] to the continuous latent image (B, h, w, D), of any length.
  public func latentImage(_ images_BhwC: Tensor) -> Tensor { quantConv(encoder(images_BhwC)) }

  /// Latent image (B, h, w, D) to images (B, H, W, 3), not clamped (`decode`).
  public func pixels(_ latents_BhwD: Tensor) -> Tensor { decoder(postQuantConv(latents_BhwD)) }

  /// Token ids (B, L) of square images to images (B, H, W, 3), not clamped (`decode_code`).
  public func pixels(ids_BL: IndexTensor) -> Tensor { pixels(latents_BLD: codes_VD.gatherRows(ids_BL)) }

  private func pixels(latents_BLD: Tensor) -> Tensor {
    let (B, L, D) = latents_BLD.dims3
    let side = Int(Double(L).squareRoot().rounded())
    precondition(side * side == L, "VQTokenizer: \(L) tokens are no square")
    return pixels(latents_BLD.reshaped([B, side, side, D]))
  }

  /// Vectors (B, L, D) of square images, codes or not, to images (B, H, W, 3) in [-1, 1].
  /// - Throws: `NonFiniteOutput`.
  public func decode(latents_BLD: Tensor) throws -> Tensor {
    try OutputCheck.step(.decoder) { check in
      let pixels = pixels(latents_BLD: latents_BLD)
      check.add(pixels)
      return pixels.clamp(-1, 1)
    }
  }

  /// Images (B, H, W, 3) in [-1, 1] to token ids (B, L), in raster order.
  /// - Throws: `NonFiniteOutput`.
  public func encode(images_BhwC: Tensor) throws -> IndexTensor {
    try OutputCheck.step(.encoder) { check in
      withoutGradient {
        let latents = latentImage(images_BhwC)
        check.add(latents)
        let (B, h, w, D) = latents.dims4
        return NearestCode(codes_VD).nearest(Self.unitRows(latents).reshaped([B * h * w, D])).reshaped([B, h * w])
      }
    }
  }

  /// Quantisation with its losses (`VectorQuantizer.forward`, without the optional entropy term).
  public func quantizeForTraining(_ latents_BhwD: Tensor, commitment: Float) -> TrainingQuantization {
    let (B, h, w, D) = latents_BhwD.dims4
    let unit_BhwD = Self.unitRows(latents_BhwD)
    let fixed = unit_BhwD.stopGradient()
    let queries_ND = fixed.reshaped([B * h * w, D])
    let codes_VD = codes_VD
    let ids = NearestCode(codes_VD).nearest(queries_ND)
    let quantized_BhwD = codes_VD.gatherRows(ids).reshaped([B, h, w, D])
    let chosen = quantized_BhwD.stopGradient()
    let loss = (quantized_BhwD - fixed).square().mean() + (chosen - unit_BhwD).square().mean() * commitment
    return TrainingQuantization(
      straightThrough: unit_BhwD + (chosen - fixed), loss: loss, ids: ids.reshaped([B, h * w]), queries: [queries_ND])
  }

  /// Vectors (..., D) at unit length.
  private static func unitRows(_ x: Tensor) -> Tensor {
    // An RMS norm by another name; the offset keeps a vector of zeros at zero.
    rmsNorm(x, weight: Tensor(repeating: 1 / Float(x.shape.last).squareRoot(), [x.shape.last]), epsilon: 1e-24)
  }
}
