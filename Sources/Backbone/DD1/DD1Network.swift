import NN
import TensorCore

/// The few-step network of Distilled Decoding 1 (Liu et al. 2025; microsoft/distilled_decoding): maps a sequence whose
/// first tokens are known and whose others are noise to all tokens in one call. Latents have the tokenizer's own scale.
/// For drawing alone: no gradient.
///
/// Input 0 is the class, input i > 0 the latent i - 1 whose place it draws.
public protocol DD1Network: Sendable {
  /// All weights, under the reference's state-dict keys.
  var parameters: ParameterSet { get }
  /// Order and grouping of the tokens.
  var layout: TokenLayout { get }
  /// Number of classes.
  var classCount: Int { get }

  /// Both predictions for every token.
  /// - Parameters:
  ///   - latents_BLD: the known tokens' vectors, then noise of unit variance.
  ///   - known: how many tokens are known.
  ///   - labels: B class labels.
  /// - Returns: latents (B, L, D), and logits over the codebook (B, L, V).
  func callAsFunction(latents_BLD: Tensor, known: Int, labels: IndexTensor) -> (latents_BLD: Tensor, logits_BLV: Tensor)
}

/// Which inputs are known and which are noise: two learned vectors, `n_d_embed`.
struct DD1InputKind: Sendable {
  private let embedding: Embedding
  private let inputs: Int

  /// - Parameter inputs: the class and all tokens.
  init(_ builder: ParameterBuilder, width: Int, inputs: Int) {
    embedding = Embedding(builder / "n_d_embed", rows: 2, width: width, initializer: .normal(0.02))
    self.inputs = inputs
  }

  /// (1, inputs, C); the class counts as known.
  func callAsFunction(known: Int) -> Tensor {
    embedding(IndexTensor((0..<inputs).map { $0 <= known ? 1 : 0 }, [1, inputs]))
  }
}

/// The head that predicts latents (`FinalLayer` of the reference's `models/dd.py`): adaLN by the class embedding itself.
struct DD1LatentHead: Sendable {
  private let table_2C: Tensor
  private let linear: Linear

  private static let epsilon: Float = 1e-6

  init(_ builder: ParameterBuilder, width C: Int, latentDimension: Int) {
    linear = Linear(builder / "linear", C, latentDimension)
    table_2C = builder.parameter("scale_shift_table", [2, C], .normal(1 / Float(C).squareRoot()))
  }

  /// Hidden states (B, L, C) and class embeddings (B, C) to (B, L, D).
  func callAsFunction(_ h_BLC: Tensor, class_BC: Tensor) -> Tensor {
    let (shift_BC, scale_BC) = (table_2C.sliced(axis: 0, 0..<1) + class_BC, table_2C.sliced(axis: 0, 1..<2) + class_BC)
    return linear(layerNormModulate(h_BLC, scale_BC: scale_BC, shift_BC: shift_BC, epsilon: Self.epsilon))
  }
}
