import Foundation
import NN
import TensorCore

/// What the denoising head's network corrects.
public enum DenoisingEstimate: String, Codable, CaseIterable, Sendable {
  /// The best linear estimate from the noised latent alone: the network does all the work, as in the paper.
  case linear
  /// The closed-form posterior under the head's own token probabilities, which start as the teacher's: the head is exact
  /// before its first update.
  case posterior
}

/// Form and sizes of the denoising head.
public struct DenoisingHeadConfiguration: Codable, Equatable, Sendable {
  /// What the network corrects.
  public var estimate: DenoisingEstimate
  /// Width of its hidden layers.
  public var width: Int
  /// Number of residual blocks.
  public var depth: Int

  /// Form and sizes of the head.
  public init(estimate: DenoisingEstimate = .posterior, width: Int = 256, depth: Int = 2) {
    self.estimate = estimate
    self.width = width
    self.depth = depth
  }
}

extension DenoisingHeadConfiguration: CheckedSettings {
  public func check() throws(SettingsError) {
    try Setting.within(1...65536, width, "width of the head")
    try Setting.within(0...1000, depth, "depth of the head")
  }
}

/// The small MLP that replaces the teacher's classifier: from a hidden state, a noised latent and its time to the
/// expected clean latent (paper, section 4.1).
///
/// Preconditioned so that the network's part has unit scale at every t: `x0 = e + c_out F(h, c_in x_t, t)` with, for
/// unit-variance latents, `n^2 = (1-t)^2 + t^2`, `c_in = 1/n`, `c_out = t/n` and e an estimate without the network:
///
/// - linear: `c_skip x_t`, `c_skip = (1-t)/n^2` (Karras et al. 2022, table 1, for the rectified-flow path).
/// - posterior: `sum_j w_j c_j`, `w = softmax_j(W h + b - |x_t - (1-t) c_j|^2 / (2 t^2))` (`codebookPosteriorMean`). With the
///   teacher's classifier as W and b and its trunk below, that is the teacher's posterior mean.
///
/// F starts at zero.
public struct DenoisingHead: Sendable {
  /// The classifier's path below the head.
  public static let classifierName = "classifier"

  private let classifier: Linear?
  private let codes_VD: Tensor
  private let fromHidden: Linear
  private let fromLatent: Linear
  private let fromTime: Linear
  private let blocks: [(norm: LayerNorm, up: Linear, down: Linear)]
  private let finalNorm: LayerNorm
  private let output: Linear
  private let frequencies: Tensor

  private static let frequencyCount = 16

  /// Registers the head's parameters: under `classifier.` those of the posterior estimate's probabilities.
  public init(
    _ builder: ParameterBuilder, _ configuration: DenoisingHeadConfiguration, hiddenWidth: Int, codebook: Codebook
  ) {
    let width = configuration.width
    let latentDimension = codebook.dimension
    codes_VD = codebook.vectors_VD
    classifier =
      configuration.estimate == .posterior
      ? Linear(builder / Self.classifierName, hiddenWidth, codebook.count, initializer: .zeros) : nil
    fromHidden = Linear(builder / "from_hidden", hiddenWidth, width)
    fromLatent = Linear(builder / "from_latent", latentDimension, width, bias: false)
    fromTime = Linear(builder / "from_time", 2 * Self.frequencyCount, width, bias: false)
    blocks = (0..<configuration.depth).map { index in
      let block = builder / "blocks" / index
      return (
        LayerNorm(block / "norm", width), Linear(block / "up", width, width),
        Linear(block / "down", width, width, initializer: .normal(0.5 / Float(width).squareRoot()))
      )
    }
    finalNorm = LayerNorm(builder / "final_norm", width)
    output = Linear(builder / "output", width, latentDimension, initializer: .zeros)
    let angular = (0..<Self.frequencyCount).map {
      Float.pi * pow(2, 6 * Float($0) / Float(Self.frequencyCount - 1) - 1)
    }
    frequencies = Tensor(angular, [Self.frequencyCount])
  }

  /// The head's token logits before it sees a noised latent, (B, L, V); nil for the linear estimate, which has none.
  /// - Parameter hidden_BLC: hidden states of the trunk.
  public func tokenLogits(hidden_BLC: Tensor) -> Tensor? {
    classifier.map { $0(hidden_BLC) }
  }

  /// - Parameters:
  ///   - hidden_BLC: hidden states of the trunk.
  ///   - x_t: noised latents in unit scale, (K, B, L, D).
  ///   - t: their times in (0, 1], (K, B, L).
  /// - Returns: expected clean latents, (K, B, L, D).
  public func callAsFunction(hidden_BLC: Tensor, x_t: Tensor, t: Tensor) -> Tensor {
    self(hidden_BLC: hidden_BLC, tokenLogits: tokenLogits(hidden_BLC: hidden_BLC), x_t: x_t, t: t)
  }

  /// As above, with the logits that `tokenLogits` gave for these hidden states.
  public func callAsFunction(hidden_BLC: Tensor, tokenLogits: Tensor?, x_t: Tensor, t: Tensor) -> Tensor {
    let (K, B, L, D) = x_t.dims4
    precondition(t.shape == [K, B, L], "DenoisingHead: times \(t.shape) for latents \(x_t.shape)")
    let t_KBL1 = t.reshaped([K, B, L, 1])
    let norm = ((1 - t_KBL1).square() + t_KBL1.square()).sqrt()
    let network = network(fromLatent(x_t / norm) + fromHidden(hidden_BLC) + fromTime(timeFeatures(t)))
    precondition(network.shape == [K, B, L, D], "DenoisingHead: output \(network.shape)")
    let estimate =
      tokenLogits.map {
        codebookPosteriorMean(x_t, t: t, logProbabilities: $0, codebook: codes_VD)
      } ?? x_t * ((1 - t_KBL1) / norm.square())
    return estimate + network * (t_KBL1 / norm)
  }

  /// The head at t = 1, where `x_t` is the noise alone: what a one-step generator asks of it.
  ///
  /// The latent then says nothing about the code: the posterior estimate is the mean under the token probabilities, one
  /// product, and the linear one is zero; all tokens share the features of t, and `c_in = c_out = 1`.
  /// - Parameters:
  ///   - hidden_BLC: hidden states of the trunk.
  ///   - tokenLogits: what `tokenLogits` gave for them.
  ///   - noise_BLD: (B, L, D).
  /// - Returns: expected clean latents, (B, L, D).
  public func fromNoise(hidden_BLC: Tensor, tokenLogits: Tensor?, noise_BLD: Tensor) -> Tensor {
    let time = fromTime(timeFeatures(Tensor(repeating: 1, [1, 1])))
    let network = network(fromLatent(noise_BLD) + (fromHidden(hidden_BLC) + time))
    return tokenLogits.map { $0.softmax().matmul(codes_VD, isExact: true) + network } ?? network
  }

  /// The residual blocks and the output behind the sum of the three inputs: (..., width) to (..., D).
  private func network(_ input: Tensor) -> Tensor {
    var z = input
    for (norm, up, down) in blocks { z = z + down(up(norm(z)).silu()) }
    return output(finalNorm(z))
  }

  /// Sines and cosines of t at F frequencies, from a quarter of a period over [0, 1] to 16 periods: (K, B, L, 2 F).
  private func timeFeatures(_ t: Tensor) -> Tensor {
    let angles = t.inserting(axis: -1) * frequencies
    return Tensor.concatenated([angles.sin(), angles.cos()], axis: -1)
  }
}
