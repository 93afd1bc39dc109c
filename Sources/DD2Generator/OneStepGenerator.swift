import Backbone
import NN
import TensorCore

/// The generator: draws all tokens of an image from noise in one call, feed-forward (paper, section 4.2).
///
/// Position i receives the noises of earlier stages where the teacher receives their tokens, and its own noise through
/// a linear map that starts at zero; the head gets its own noise as `x_t` at t = 1. At initialisation it is therefore
/// exactly the stage-1 network, but for the gain.
///
/// The gain: token j's logit gets `g(h) eps.c_j`, g linear in the hidden state. Which code the probability flow carries
/// a noise to depends on the code's probability and on how far the noise points its way: the optimal transport from a
/// Gaussian to weighted points is `argmax_j (eps.c_j + weight_j)`, and the flow comes near it. Without the gain the trunk
/// has to learn those products.
///
/// Parts: a token depends on the tokens before it, and a network that draws them all at once knows no more of those than
/// their noise. The stages can be cut into parts, each drawn by such a network with weights of its own, one after the other:
/// a part reads the tokens of the parts before it, snapped to their codes, and the noises of its own. The network of a part
/// runs on the tokens up to the part's end alone; parts double, so that the call costs about twice one network over all
/// tokens at most, unless there are more parts than can double (`TokenLayout.parts`). One part is the paper's form.
public struct OneStepGenerator: Sendable {
  /// Paths `trunk.*`, `head.*`, `own_noise.*` and `noise_gain.*`, those of part p = 1... below `parts.p.`.
  public let parameters: ParameterSet
  private let parts: [GeneratorPart]
  private let codebook: Codebook

  /// Builds the network; see `ScoreNetwork.init` for the other parameters.
  /// - Parameter adaptation: how it departs from the network of stage 1.
  /// - Throws: `StateDictError` where `mapState` does not fit, `PartCountError`.
  public init(
    trunk: TrunkConfiguration, head: DenoisingHeadConfiguration, codebook: Codebook, mapState: StateDict,
    adaptation: GeneratorAdaptation = GeneratorAdaptation(), seed: UInt64?
  ) throws {
    parameters = ParameterSet()
    let builder = ParameterBuilder(parameters, seed: seed)
    parts = try trunk.layout.parts(adaptation.parts).enumerated().map { index, place in
      try GeneratorPart(
        index == 0 ? builder : builder / "parts" / index, drawing: place, trunk: trunk, head: head,
        codebook: codebook, mapState: mapState, noiseGain: adaptation.noiseGain)
    }
    self.codebook = codebook
  }

  /// Starts every part from a stage-1 network's weights; what that one does not have stays as it is.
  /// - Throws: `StateDictError` where they do not fit.
  public func load(stage1 state: StateDict) throws {
    var whole = StateDict()
    for index in parts.indices {
      let prefix = Self.prefix(ofPart: index)
      whole = whole.merging(prefix.isEmpty ? state : state.addingPrefix(String(prefix.dropLast())))
        .merging(parameters.stateDict { path in GeneratorPart.addedPaths.contains { path.hasPrefix(prefix + $0) } })
    }
    try parameters.load(whole)
  }

  /// The beginning of the paths of a part's parameters.
  private static func prefix(ofPart index: Int) -> String { index == 0 ? "" : "parts.\(index)." }

  /// Networks that the call goes through, one after the other.
  public var partCount: Int { parts.count }
  /// Order and grouping of the tokens.
  public var layout: TokenLayout { parts[0].trunk.layout }
  /// Latent dimension of a token (D).
  public var latentDimension: Int { parts[0].trunk.latentDimension }

  /// One call: noise (B, L, D) of unit variance to latents (B, L, D) in unit scale.
  public func callAsFunction(noise_BLD: Tensor, labels: IndexTensor) -> Tensor {
    draw(noise_BLD: noise_BLD, labels: labels).latents_BLD
  }

  /// One call: noise (B, L, D) of unit variance to tokens.
  /// - Parameter read_BL: the tokens that a part reads of the parts before it, in place of what those drew: teacher
  ///   forcing.
  public func draw(noise_BLD: Tensor, labels: IndexTensor, reading read_BL: IndexTensor? = nil) -> DrawnTokens {
    var drawn: [DrawnTokens] = []
    var known_Bm: IndexTensor?
    for part in parts {
      let (start, end) = (part.place.lowerBound, part.place.upperBound)
      if let last = drawn.last {
        known_Bm =
          read_BL?.columns(0..<start)
          ?? .joined(columns: [known_Bm, codebook.nearest(last.latents_BLD)].compactMap { $0 })
      }
      let own_BnD = noise_BLD.sliced(axis: 1, part.place)
      let shown_BlD = known_Bm.map { Tensor.concatenated([codebook.latents($0), own_BnD], axis: 1) } ?? own_BnD
      drawn.append(
        part(
          shown_BlD: shown_BlD, known_Bm: known_Bm, noise_BlD: noise_BLD.sliced(axis: 1, 0..<end), labels: labels))
    }
    return DrawnTokens.joined(drawn)
  }

  /// The noise of samples: (B, L, D). That of sample i depends on (seed, i) alone.
  public func noise(samples: [Int], seed: UInt64, purpose: String) -> Tensor {
    RandomNumbers(seed: seed, purpose: purpose)
      .normal([samples.count, layout.count, latentDimension], samples: RandomCounter(samples))
  }
}
