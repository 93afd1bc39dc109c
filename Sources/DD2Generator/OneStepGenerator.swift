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
///
/// Passes: a token depends on the tokens before it, and one pass knows no more of those than their noise. Every further pass
/// is such a network behind the one before, with weights of its own, and reads that one's tokens in the noise's place: the
/// next step of a fixed-point iteration whose end is the teacher's own sequential sample. Tokens are snapped to their codes
/// in between; the gradient goes on as if they were not (straight-through).
public struct OneStepGenerator: Sendable {
  /// Paths `trunk.*`, `head.*`, `own_noise.*` and `noise_gain.*`, those of pass p = 1... below `passes.p.`.
  public let parameters: ParameterSet
  private let passes: [GeneratorPass]
  private let codebook: Codebook

  /// Builds the network; see `ScoreNetwork.init` for the other parameters.
  /// - Parameter adaptation: how it departs from the network of stage 1.
  /// - Throws: `StateDictError` where `mapState` does not fit.
  public init(
    trunk: TrunkConfiguration, head: DenoisingHeadConfiguration, codebook: Codebook, mapState: StateDict,
    adaptation: GeneratorAdaptation = GeneratorAdaptation(), seed: UInt64
  ) throws {
    precondition(adaptation.passes > 0, "OneStepGenerator: \(adaptation.passes) passes")
    parameters = ParameterSet()
    let builder = ParameterBuilder(parameters, seed: seed)
    passes = try (0..<adaptation.passes).map { index in
      try GeneratorPass(
        index == 0 ? builder : builder / "passes" / index, trunk: trunk, head: head, codebook: codebook,
        mapState: mapState, adaptation: adaptation)
    }
    self.codebook = codebook
  }

  /// Starts every pass from a stage-1 network's weights; what that one does not have stays as it is.
  /// - Throws: `StateDictError` where they do not fit.
  public func load(stage1 state: StateDict) throws {
    let own = parameters.stateDict()
    var whole = StateDict()
    for (index, pass) in passes.enumerated() {
      let place = Self.place(ofPass: index)
      whole = whole.merging(place.isEmpty ? state : state.addingPrefix(String(place.dropLast())))
        .merging(own.filter { path in pass.addedPaths.contains { path.hasPrefix(place + $0) } })
    }
    try parameters.load(whole)
  }

  /// The beginning of the paths of a pass's parameters.
  private static func place(ofPass index: Int) -> String { index == 0 ? "" : "passes.\(index)." }

  /// Order and grouping of the tokens.
  public var layout: TokenLayout { passes[0].trunk.layout }
  /// Latent dimension of a token (D).
  public var latentDimension: Int { passes[0].trunk.latentDimension }

  /// One call: noise (B, L, D) of unit variance to latents (B, L, D) in unit scale.
  public func callAsFunction(noise_BLD: Tensor, labels: [Int32]) -> Tensor {
    draw(noise_BLD: noise_BLD, labels: labels).latents_BLD
  }

  /// One call: noise (B, L, D) of unit variance to tokens.
  /// - Parameter given: which tokens are known, 1 or 0 (B, L), and their latents (B, L, D): later tokens see these in
  ///   place of the noise, as after the first of DD1's two steps.
  public func draw(
    noise_BLD: Tensor, labels: [Int32], given: (mask_BL: Tensor, latents_BLD: Tensor)? = nil
  ) -> DrawnTokens {
    drafts(noise_BLD: noise_BLD, labels: labels, given: given).last!
  }

  /// As `draw`, the tokens that each pass drew: the last ones are the call's result.
  public func drafts(
    noise_BLD: Tensor, labels: [Int32], given: (mask_BL: Tensor, latents_BLD: Tensor)? = nil
  ) -> [DrawnTokens] {
    var drafts: [DrawnTokens] = []
    for pass in passes {
      let read_BLD = drafts.last.map { snappedStraightThrough($0.latents_BLD) } ?? noise_BLD
      let shown_BLD =
        given.map { mask_BL, latents_BLD in
          let mask_BL1 = mask_BL.inserting(axis: -1)
          return read_BLD * (1 - mask_BL1) + latents_BLD * mask_BL1
        } ?? read_BLD
      drafts.append(pass(shown_BLD: shown_BLD, noise_BLD: noise_BLD, labels: labels))
    }
    return drafts
  }

  /// The nearest codes of latents (B, L, D), with the gradient of the latents.
  private func snappedStraightThrough(_ latents_BLD: Tensor) -> Tensor {
    latents_BLD + withoutGradient { codebook.snapped(latents_BLD) - latents_BLD }
  }

  /// The noise of samples `firstIndex ..< firstIndex + labels.count`: (B, L, D). Sample i depends on (seed, i) alone.
  public func noise(count: Int, seed: UInt64, purpose: String, step: Int = 0, firstIndex: Int = 0) -> Tensor {
    Tensor.normal(
      [count, layout.count, latentDimension], seed: seed, purpose: purpose, step: step, firstIndex: firstIndex)
  }
}
