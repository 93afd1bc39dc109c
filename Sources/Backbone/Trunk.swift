import TensorCore

/// The body of an auto-regressive model: from the latents of a token sequence to one hidden state per token that
/// depends on earlier stages and the class alone.
public protocol Trunk: Sendable {
  /// Order and grouping of the tokens.
  var layout: TokenLayout { get }
  /// Width of the hidden states (C).
  var width: Int { get }
  /// Latent dimension of a token (D).
  var latentDimension: Int { get }

  /// Hidden states under teacher forcing, of all stages or of the first ones alone.
  /// - Parameters:
  ///   - latents_BLD: latents of their tokens in the teacher's own scale; position i uses those of earlier stages.
  ///   - known_Bm: ids of the first m tokens, whose codes their latents are, for a trunk that looks tokens up; nil where
  ///     all are any latents.
  ///   - labels: B class labels.
  ///   - extra_BLC: added to the input of every position, or nil.
  /// - Returns: (B, L, C)
  func hiddenStates(latents_BLD: Tensor, known_Bm: IndexTensor?, labels: IndexTensor, extra_BLC: Tensor?) -> Tensor
}
