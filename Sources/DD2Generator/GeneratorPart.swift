import Backbone
import NN
import TensorCore

/// Tokens as the generator draws them.
public struct DrawnTokens: Sendable {
  /// (B, L, D), unit scale, not snapped to codes.
  public let latents_BLD: Tensor
  /// The token logits (B, L, V) that the posterior head made them from; nil for the linear one.
  public let logits_BLV: Tensor?

  /// What consecutive parts drew, side by side.
  static func joined(_ parts: [DrawnTokens]) -> DrawnTokens {
    guard parts.count > 1 else { return parts[0] }
    let logits = parts.compactMap(\.logits_BLV)
    return DrawnTokens(
      latents_BLD: Tensor.concatenated(parts.map(\.latents_BLD), axis: 1),
      logits_BLV: logits.isEmpty ? nil : Tensor.concatenated(logits, axis: 1))
  }
}

/// The network that draws one part of the tokens: the network of stage 1 with the token's own noise and its gain.
struct GeneratorPart: Sendable {
  /// The positions that it draws. It reads the tokens before them and nothing of those behind.
  let place: Range<Int>
  let trunk: any Trunk
  private let head: DenoisingHead
  private let ownNoise: Linear
  private let noiseGain: Linear?
  private let codebook: Codebook

  /// Registers `trunk.*`, `head.*` (as in the score network), `own_noise.*` and `noise_gain.*`.
  /// - Throws: `StateDictError` where `mapState` does not fit.
  init(
    _ builder: ParameterBuilder, drawing place: Range<Int>, trunk configuration: TrunkConfiguration,
    head headConfiguration: DenoisingHeadConfiguration, codebook: Codebook, mapState: StateDict,
    noiseGain gain: Float
  ) throws {
    self.place = place
    trunk = try configuration.makeTrunk(builder / "trunk", mapState: mapState)
    head = DenoisingHead(builder / "head", headConfiguration, hiddenWidth: trunk.width, codebook: codebook)
    ownNoise = Linear(builder / "own_noise", trunk.latentDimension, trunk.width, bias: false, initializer: .zeros)
    let hasGain = gain > 0 && headConfiguration.estimate == .posterior
    noiseGain =
      hasGain
      ? Linear(
        builder / "noise_gain", trunk.width, initialBias: Tensor(repeating: gain, [1]), initializer: .zeros)
      : nil
    self.codebook = codebook
  }

  /// Where the parameters are that the network of stage 1 does not have: the beginnings of their paths.
  static let addedPaths = ["own_noise.", "noise_gain."]

  /// The tokens at `place`.
  /// - Parameters:
  ///   - shown_BlD: what stands where the teacher reads tokens, unit scale, to the end of `place`.
  ///   - known_Bm: the tokens of the parts before, whose codes they begin with; nil for the first part.
  ///   - noise_BlD: the tokens' own noise, as far.
  func callAsFunction(
    shown_BlD: Tensor, known_Bm: IndexTensor?, noise_BlD: Tensor, labels: IndexTensor
  ) -> DrawnTokens {
    let hidden_BlC = trunk.hiddenStates(
      latents_BLD: shown_BlD * codebook.scale, known_Bm: known_Bm, labels: labels, extra_BLC: ownNoise(noise_BlD))
    let hidden_BmC = hidden_BlC.sliced(axis: 1, place)
    let noise_BmD = noise_BlD.sliced(axis: 1, place)
    let logits_BmV = head.tokenLogits(hidden_BLC: hidden_BmC).map { logits_BmV in
      noiseGain.map {
        logits_BmV + $0(hidden_BmC) * noise_BmD.matmul(codebook.vectors_VD, transposeOther: true)
      } ?? logits_BmV
    }
    return DrawnTokens(
      latents_BLD: head.fromNoise(hidden_BLC: hidden_BmC, tokenLogits: logits_BmV, noise_BLD: noise_BmD),
      logits_BLV: logits_BmV)
  }
}
