import Backbone
import NN
import TensorCore

/// The auto-regressive diffusion network: a teacher's trunk with a denoising head in place of the classifier.
///
/// After stage 1 it reproduces the teacher's conditional posterior means; in stage 2 a copy of it learns the
/// distribution that the generator produces (the paper's guidance network).
public struct ScoreNetwork: Sendable {
  /// Paths `trunk.*` and `head.*`.
  public let parameters: ParameterSet
  private let trunk: any Trunk
  private let head: DenoisingHead
  private let codebook: Codebook

  /// Builds the network.
  /// - Parameters:
  ///   - codebook: the teacher's.
  ///   - mapState: see `TrunkConfiguration.makeTrunk`.
  ///   - seed: what new weights are drawn from; nil leaves them unset until they are loaded.
  /// - Throws: `StateDictError` where `mapState` does not fit.
  public init(
    trunk configuration: TrunkConfiguration, head headConfiguration: DenoisingHeadConfiguration,
    codebook: Codebook, mapState: StateDict, seed: UInt64?
  ) throws {
    parameters = ParameterSet()
    let builder = ParameterBuilder(parameters, seed: seed)
    trunk = try configuration.makeTrunk(builder / "trunk", mapState: mapState)
    head = DenoisingHead(
      builder / "head", headConfiguration, hiddenWidth: trunk.width, codebook: codebook)
    self.codebook = codebook
  }

  /// Hidden states given the clean prefix of every token.
  /// - Parameter ids_BL: the tokens; position i uses those of earlier stages.
  /// - Returns: (B, L, C)
  public func hiddenStates(ids_BL: IndexTensor, labels: IndexTensor) -> Tensor {
    trunk.hiddenStates(
      latents_BLD: codebook.latents(ids_BL) * codebook.scale, known_Bm: ids_BL, labels: labels, extra_BLC: nil)
  }

  /// Expected clean latents (K, B, L, D) of noised ones `x_t` at times `t` (K, B, L).
  public func denoise(hidden_BLC: Tensor, x_t: Tensor, t: Tensor) -> Tensor {
    head(hidden_BLC: hidden_BLC, x_t: x_t, t: t)
  }
}
