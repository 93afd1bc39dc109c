import NN
import TensorCore

/// Weights of the tokenizer's losses.
public struct TokenizerLossWeights: Codable, Equatable, Sendable {
  /// Mean absolute difference of pixels.
  public var absolute: Float
  /// Mean squared difference of pixels.
  public var squared: Float
  /// Distance in the perceptual network's features.
  public var features: Float
  /// Pull of the encoder toward the codes, relative to the pull of the codes toward the encoder (0.25 in VAR).
  public var commitment: Float

  /// Weights with defaults for images in [-1, 1].
  public init(absolute: Float = 1, squared: Float = 1, features: Float = 1, commitment: Float = 0.25) {
    self.absolute = absolute
    self.squared = squared
    self.features = features
    self.commitment = commitment
  }
}

/// One training pass of the tokenizer.
public struct TokenizerPass {
  /// Scalar to minimise.
  public let loss: Tensor
  /// Mean squared difference of pixels on [-1, 1], a scalar.
  public let reconstructionError: Tensor
  /// Token ids (B, L).
  public let ids: IndexTensor
  /// Vectors that were quantised, (N, D) per scale; what unused codes are moved to.
  public let queries: [Tensor]
}

/// What quantisation adds to a training pass.
public struct TrainingQuantization {
  /// What the decoder sees, (B, h, w, D): the quantised latents, with the gradient passing to the latents as if
  /// nothing had been quantised.
  public let straightThrough: Tensor
  /// Pull of the codes toward the latents and, weighted, of the latents toward the codes: a scalar.
  public let loss: Tensor
  /// Token ids (B, L).
  public let ids: IndexTensor
  /// Vectors that were quantised, (N, D) per scale.
  public let queries: [Tensor]
}

/// A tokenizer as its training sees it. Families differ in how they quantise; the losses around it are shared.
public protocol TrainableTokenizer: Sendable {
  /// All weights.
  var parameters: ParameterSet { get }
  /// The codes (V, D) as stored; unused ones are moved in place.
  var embedding: Tensor { get }
  /// Images (B, H, W, 3) in [-1, 1] to the continuous latent image (B, h, w, D).
  func latentImage(_ images_BhwC: Tensor) -> Tensor
  /// Quantises latents (B, h, w, D).
  /// - Parameter commitment: weight of the latents' pull relative to the codes'.
  func quantizeForTraining(_ latents_BhwD: Tensor, commitment: Float) -> TrainingQuantization
  /// Latent image (B, h, w, D) to images (B, H, W, 3), not clamped.
  func pixels(_ latents_BhwD: Tensor) -> Tensor
  /// Images (B, H, W, 3) in [-1, 1] to token ids (B, L).
  /// - Throws: `NonFiniteOutput`.
  func encode(images_BhwC: Tensor) throws -> IndexTensor
}

extension TrainableTokenizer {
  /// What tokens keep of images: (B, H, W, 3) in [-1, 1], as the decoder makes it, not clamped.
  public func reconstruction(of images_BhwC: Tensor) -> Tensor {
    pixels(quantizeForTraining(latentImage(images_BhwC), commitment: 0).straightThrough)
  }

  /// Reconstruction, feature and quantisation losses of a batch.
  /// - Parameter images_BhwC: (B, H, W, 3) in [-1, 1].
  public func trainingPass(
    images_BhwC: Tensor, perceptual: PerceptualNetwork, weights: TokenizerLossWeights
  ) -> TokenizerPass {
    let quantization = quantizeForTraining(latentImage(images_BhwC), commitment: weights.commitment)
    let reconstruction = pixels(quantization.straightThrough)
    let difference = reconstruction - images_BhwC
    let squared = difference.square().mean()
    let loss =
      difference.abs().mean() * weights.absolute + squared * weights.squared
      + perceptual.distance(reconstruction, to: images_BhwC) * weights.features + quantization.loss
    return TokenizerPass(
      loss: loss, reconstructionError: squared, ids: quantization.ids, queries: quantization.queries)
  }
}
