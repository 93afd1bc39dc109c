import Backbone
import NN
import TensorCore

/// The generator: draws all tokens of an image from noise in one network call (paper, section 4.2).
///
/// Position i receives the noises of earlier stages where the teacher receives their tokens, and its own noise through
/// a linear map that starts at zero; the head gets its own noise as `x_t` at t = 1. At initialisation it is therefore
/// exactly the stage-1 network, but for the gain.
///
/// The gain: token j's logit gets `g(h) eps.c_j`, g linear in the hidden state. Which code the probability flow carries
/// a noise to depends on the code's probability and on how far the noise points its way: the optimal transport from a
/// Gaussian to weighted points is `argmax_j (eps.c_j + weight_j)`, and the flow comes near it. Without the gain the trunk
/// has to learn those products.
public struct OneStepGenerator: Sendable {
  /// Paths `trunk.*`, `head.*` (as in the score network), `own_noise.*` and `noise_gain.*`.
  public let parameters: ParameterSet
  private let trunk: any Trunk
  private let head: DenoisingHead
  private let ownNoise: Linear?
  private let noiseGain: Linear?
  private let codes_VD: Tensor
  private let latentScale: Float

  /// Builds the network; see `ScoreNetwork.init` for the other parameters.
  /// - Parameter adaptation: how it departs from the network of stage 1.
  /// - Throws: `StateDictError` where `mapState` does not fit.
  public init(
    trunk configuration: TrunkConfiguration, head headConfiguration: DenoisingHeadConfiguration,
    codebook: Codebook, mapState: StateDict, adaptation: GeneratorAdaptation = GeneratorAdaptation(), seed: UInt64
  ) throws {
    parameters = ParameterSet()
    let builder = ParameterBuilder(parameters, seed: seed)
    trunk = try configuration.makeTrunk(builder / "trunk", mapState: mapState, adaptation: adaptation)
    head = DenoisingHead(
      builder / "head", headConfiguration, hiddenWidth: trunk.width, codebook: codebook)
    ownNoise =
      adaptation.readsOwnNoise
      ? Linear(builder / "own_noise", trunk.latentDimension, trunk.width, bias: false, initializer: .zeros) : nil
    let hasGain = adaptation.noiseGain > 0 && headConfiguration.estimate == .posterior
    noiseGain =
      hasGain
      ? Linear(
        builder / "noise_gain", trunk.width, initialBias: Tensor([adaptation.noiseGain], [1]), initializer: .zeros)
      : nil
    codes_VD = codebook.vectors_VD
    latentScale = codebook.scale
  }

  /// Starts from a stage-1 network's weights; what that one does not have stays as it is.
  /// - Throws: `StateDictError` where they do not fit.
  public func load(stage1 state: StateDict) throws {
    let own = ["own_noise.", "noise_gain."] + trunk.addedPaths.map { "trunk." + $0 }
    try parameters.load(
      state.merging(parameters.stateDict().filter { path in own.contains { path.hasPrefix($0) } }))
  }

  /// Order and grouping of the tokens.
  public var layout: TokenLayout { trunk.layout }
  /// Latent dimension of a token (D).
  public var latentDimension: Int { trunk.latentDimension }

  /// One call: noise (B, L, D) of unit variance to latents (B, L, D) in unit scale.
  public func callAsFunction(noise_BLD: Tensor, labels: [Int32]) -> Tensor {
    draw(noise_BLD: noise_BLD, labels: labels).latents_BLD
  }

  /// One call: noise (B, L, D) of unit variance to latents (B, L, D) in unit scale, and the token logits (B, L, V)
  /// that the posterior head made them from; nil for the linear one.
  /// - Parameter given: which tokens are known, 1 or 0 (B, L), and their latents (B, L, D): later tokens see these in
  ///   place of the noise, as after the first of DD1's two steps.
  public func draw(
    noise_BLD: Tensor, labels: [Int32], given: (mask_BL: Tensor, latents_BLD: Tensor)? = nil
  ) -> (latents_BLD: Tensor, logits_BLV: Tensor?) {
    let input_BLD =
      given.map { mask_BL, latents_BLD in
        let mask_BL1 = mask_BL.inserting(axis: -1)
        return noise_BLD * (1 - mask_BL1) + latents_BLD * mask_BL1
      } ?? noise_BLD
    let hidden_BLC = trunk.hiddenStates(
      latents_BLD: input_BLD * latentScale, labels: labels, extra_BLC: ownNoise.map { $0(noise_BLD) })
    let logits_BLV = head.tokenLogits(hidden_BLC: hidden_BLC).map { logits_BLV in
      noiseGain.map { logits_BLV + $0(hidden_BLC) * noise_BLD.matmul(codes_VD, transposeOther: true) } ?? logits_BLV
    }
    return (head.fromNoise(hidden_BLC: hidden_BLC, tokenLogits: logits_BLV, noise_BLD: noise_BLD), logits_BLV)
  }

  /// The noise of samples `firstIndex ..< firstIndex + labels.count`: (B, L, D). Sample i depends on (seed, i) alone.
  public func noise(count: Int, seed: UInt64, purpose: String, step: Int = 0, firstIndex: Int = 0) -> Tensor {
    Tensor.normal(
      [count, layout.count, latentDimension], seed: seed, purpose: purpose, step: step, firstIndex: firstIndex)
  }
}
