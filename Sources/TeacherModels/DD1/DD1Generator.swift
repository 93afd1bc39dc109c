import Backbone
import DD2Teacher
import NN
import TensorCore

/// A generator of Distilled Decoding 1 with its tokenizer's decoder. It draws in one call, or in two: the second takes the
/// first stages of what the first drew as known.
public struct DD1Generator: Sendable {
  /// Sizes, and where codes end.
  public let configuration: DD1Configuration
  /// The network.
  public let network: any DD1Network
  /// The codebook, (V, D), in the tokenizer's own scale.
  private let codes_VD: Tensor
  private let decoder: @Sendable (_ latents_BLD: Tensor) throws -> Tensor

  /// A generator from the weights of its two parts, under `transformer.` and `tokenizer.`.
  /// - Throws: `StateDictError` where they do not fit, and what reading them throws.
  package init(_ configuration: DD1Configuration, weights: TensorSource) throws {
    self.configuration = configuration
    let tokenizerWeights = weights.removingPrefix("tokenizer")
    network = configuration.sizes.makeDD1Network()
    switch configuration.sizes {
    case .nextScale(_, let sizes):
      let tokenizer = VQVAE(sizes, seed: nil)
      try tokenizer.parameters.load(tokenizerWeights)
      codes_VD = tokenizer.embedding.stopGradient()
      decoder = { try tokenizer.decode(latents_BLD: $0) }
    case .nextToken(_, let sizes):
      let tokenizer = VQTokenizer(sizes, seed: nil)
      try tokenizer.parameters.load(tokenizerWeights)
      codes_VD = tokenizer.codes_VD.stopGradient()
      decoder = { try tokenizer.decode(latents_BLD: $0) }
    }
    try network.parameters.load(weights.removingPrefix("transformer"))
  }

  /// Sides of the images in pixels.
  public var imageSide: Int { configuration.sizes.family.imageSide }
  /// Dimension of the latents (D).
  public var latentDimension: Int { codes_VD.shape[1] }

  /// The first stages that the calls draw.
  public func starts(calls: Int) -> [Int] { calls == 1 ? [0] : [0, configuration.second] }

  /// The sequence (B, L, D) that noise (B, L, D) becomes: codes up to the split, predicted vectors after it.
  /// - Parameters:
  ///   - labels: B class labels.
  ///   - starts: for each call, the stage before which the tokens are known from the calls before; the first is 0.
  public func sequence(noise_BLD: Tensor, labels: IndexTensor, starts: [Int]) -> Tensor {
    let stages = network.layout.stages
    let split = stages[configuration.split].lowerBound
    return withoutGradient {
      starts.reduce(noise_BLD) { x_BLD, start in
        let (known, L) = (stages[start].lowerBound, network.layout.count)
        let kept = known == 0 ? [] : [x_BLD.sliced(axis: 1, 0..<known)]
        let input_BLD = Tensor.concatenated(kept + [noise_BLD.sliced(axis: 1, known..<L)], axis: 1)
        let drawn = network(latents_BLD: input_BLD, known: known, labels: labels)
        let codes = known < split ? [codes_VD.gatherRows(drawn.logits_BLV.sliced(axis: 1, known..<split).argmax())] : []
        return Tensor.concatenated(
          kept + codes + [drawn.latents_BLD.sliced(axis: 1, max(known, split)..<L)], axis: 1)
      }
    }
  }

  /// Images (B, h, w, 3) in [-1, 1] of sequences (B, L, D), a few at a time.
  /// - Throws: `NonFiniteOutput`.
  public func decode(_ latents_BLD: Tensor) throws -> Tensor {
    let (B, atOnce) = (latents_BLD.dims3.0, imagesAtOnce(side: imageSide))
    let images = try stride(from: 0, to: B, by: atOnce).map { start in
      try withoutGradient { try decoder(latents_BLD.sliced(axis: 0, start..<min(start + atOnce, B))) }
    }
    return Tensor.concatenated(images, axis: 0)
  }
}
