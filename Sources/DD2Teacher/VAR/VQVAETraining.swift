import Backbone
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
  /// Vectors that were quantised, per scale (B * l, D).
  public let queries: [Tensor]
}

extension VQVAE {
  /// Reconstruction, feature and quantisation losses of a batch (`VectorQuantizer2.forward` of `models/quant.py`, with
  /// the straight-through gradient).
  /// - Parameter images_BhwC: (B, H, W, 3) in [-1, 1].
  public func trainingPass(
    images_BhwC: Tensor, perceptual: PerceptualNetwork, weights: TokenizerLossWeights
  ) -> TokenizerPass {
    let latents = latentImage(images_BhwC)
    let fixed = latents.stopGradient()
    let quantization = quantize(latents)
    var quantizationLoss = Tensor(0)
    for map in quantization.partialMaps {
      let pull = (map - fixed).square().mean()
      let commitment = (map.stopGradient() - latents).square().mean()
      quantizationLoss = quantizationLoss + pull + commitment * weights.commitment
    }
    quantizationLoss = quantizationLoss / Float(quantization.partialMaps.count)
    let final = quantization.partialMaps[quantization.partialMaps.count - 1].stopGradient()
    // The decoder sees the quantised map; its gradient passes to the encoder as if nothing had been quantised.
    let straightThrough = latents + (final - fixed)
    let reconstruction = pixels(straightThrough)
    let difference = reconstruction - images_BhwC
    let squared = difference.square().mean()
    let loss =
      difference.abs().mean() * weights.absolute + squared * weights.squared
      + perceptual.distance(reconstruction, to: images_BhwC) * weights.features + quantizationLoss
    return TokenizerPass(
      loss: loss, reconstructionError: squared, ids: quantization.ids, queries: quantization.queries)
  }
}

/// Replaces codes that nothing is assigned to by vectors that the encoder produces (dead-code restart).
public struct CodeUsage: Sendable {
  /// Running average of how many of a batch's tokens each code takes.
  public private(set) var averages: [Float]

  private static let decay: Float = 0.95

  /// No code used yet.
  public init(vocabulary: Int) { averages = Array(repeating: 0, count: vocabulary) }

  /// Continues from saved averages.
  public init(averages: [Float]) { self.averages = averages }

  /// Adds the tokens of a batch.
  public mutating func record(_ ids: IndexTensor) {
    for code in averages.indices { averages[code] *= Self.decay }
    for id in ids.values { averages[Int(id)] += 1 - Self.decay }
  }

  /// Part of the codes in use: those with at least `threshold` tokens per batch on average.
  public func usedFraction(threshold: Float) -> Double {
    Double(averages.count { $0 >= threshold }) / Double(averages.count)
  }

  /// Moves every code below `threshold` to a random query of a random scale, in place.
  /// - Returns: how many were moved.
  public mutating func restart(
    embedding_VD: Tensor, queries: [Tensor], threshold: Float, stream: inout RandomStream
  ) -> Int {
    let dead = averages.indices.filter { averages[$0] < threshold }
    guard !dead.isEmpty else { return 0 }
    let D = embedding_VD.shape[1]
    let sources = queries.map(\.elements)
    var table = embedding_VD.elements
    for code in dead {
      let source = sources[stream.integer(below: sources.count)]
      let row = stream.integer(below: source.count / D)
      table.replaceSubrange(code * D..<(code + 1) * D, with: source[(row * D)..<((row + 1) * D)])
      averages[code] = threshold * 2
    }
    embedding_VD.assign(Tensor(table, embedding_VD.shape))
    return dead.count
  }
}
