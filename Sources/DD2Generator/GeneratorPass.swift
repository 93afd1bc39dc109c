import Backbone
import NN
import TensorCore

/// Tokens as the generator draws them.
public struct DrawnTokens: Sendable {
  /// (B, L, D), unit scale, not snapped to codes.
  public let latents_BLD: Tensor
  /// The token logits (B, L, V) that the posterior head made them from; nil for the linear one.
  public let logits_BLV: Tensor?
}

/// The generator's network once through: the network of stage 1 with the token's own noise and its gain.
struct GeneratorPass: Sendable {
  let trunk: any Trunk
  private let head: DenoisingHead
  private let ownNoise: Linear?
  private let noiseGain: Linear?
  private let codebook: Codebook

  /// Registers `trunk.*`, `head.*` (as in the score network), `own_noise.*` and `noise_gain.*`.
  /// - Throws: `StateDictError` where `mapState` does not fit.
  init(
    _ builder: ParameterBuilder, trunk configuration: TrunkConfiguration,
    head headConfiguration: DenoisingHeadConfiguration, codebook: Codebook, mapState: StateDict,
    adaptation: GeneratorAdaptation
  ) throws {
    trunk = try configuration.makeTrunk(builder / "trunk", mapState: mapState, adaptation: adaptation)
    head = DenoisingHead(builder / "head", headConfiguration, hiddenWidth: trunk.width, codebook: codebook)
    ownNoise =
      adaptation.readsOwnNoise
      ? Linear(builder / "own_noise", trunk.latentDimension, trunk.width, bias: false, initializer: .zeros) : nil
    let hasGain = adaptation.noiseGain > 0 && headConfiguration.estimate == .posterior
    noiseGain =
      hasGain
      ? Linear(
        builder / "noise_gain", trunk.width, initialBias: Tensor([adaptation.noiseGain], [1]), initializer: .zeros)
      : nil
    self.codebook = codebook
  }

  /// Where the parameters are that the network of stage 1 does not have: the beginnings of their paths.
  var addedPaths: [String] { ["own_noise.", "noise_gain."] + trunk.addedPaths.map { "trunk." + $0 } }

  /// - Parameters:
  ///   - shown_BLD: what stands where the teacher reads tokens, unit scale.
  ///   - noise_BLD: the tokens' own noise.
  func callAsFunction(shown_BLD: Tensor, noise_BLD: Tensor, labels: [Int32]) -> DrawnTokens {
    let hidden_BLC = trunk.hiddenStates(
      latents_BLD: shown_BLD * codebook.scale, labels: labels, extra_BLC: ownNoise.map { $0(noise_BLD) })
    let logits_BLV = head.tokenLogits(hidden_BLC: hidden_BLC).map { logits_BLV in
      noiseGain.map {
        logits_BLV + $0(hidden_BLC) * noise_BLD.matmul(codebook.vectors_VD, transposeOther: true)
      } ?? logits_BLV
    }
    return DrawnTokens(
      latents_BLD: head.fromNoise(hidden_BLC: hidden_BLC, tokenLogits: logits_BLV, noise_BLD: noise_BLD),
      logits_BLV: logits_BLV)
  }
}
