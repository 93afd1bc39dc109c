import NN
import TensorCore

/// LlamaGen's transformer without its classifier (Sun et al. 2024; FoundationVision/LlamaGen,
/// `autoregressive/models/gpt.py`): what the teacher, which reads tokens, and the students, which read latents, share.
///
/// Parameter paths are the reference's state-dict keys. Input 0 is the class, input i > 0 the token i - 1.
public struct LlamaGenBody: Sendable {
  /// Sizes.
  public let configuration: LlamaGenConfiguration
  /// `tok_embeddings`, (V, C).
  public let tokenEmbedding: Embedding
  private let classEmbedding: Embedding
  private let layers: [LlamaGenLayer]
  private let norm: RMSNorm
  private let rotary: RotaryTable
  private let visibleCounts: [Int]

  static let epsilon: Float = 1e-5

  /// Registers the parameters.
  public init(_ builder: ParameterBuilder, _ configuration: LlamaGenConfiguration) {
    let C = configuration.width
    precondition(
      C % (4 * configuration.heads) == 0,
      "LlamaGenBody: width \(C) is no multiple of 4 for each of \(configuration.heads) heads")
    self.configuration = configuration
    // About the size of what the layers add, so that classes and tokens are still heard behind them.
    let deviation: Float = 0.4
    classEmbedding = Embedding(
      builder / "cls_embedding" / "embedding_table", rows: configuration.classCount + 1, width: C,
      initializer: .normal(deviation))
    tokenEmbedding = Embedding(
      builder / "tok_embeddings", rows: configuration.vocabulary, width: C, initializer: .normal(deviation))
    layers = (0..<configuration.depth).map { LlamaGenLayer(builder / "layers" / $0, configuration, index: $0) }
    visibleCounts = configuration.layout.visibleCounts
    norm = RMSNorm(builder / "norm", C, epsilon: Self.epsilon)
    let (side, heads) = (configuration.side, configuration.heads)
    rotary = RotaryTable(side: side, headWidth: C / heads, tokens: side * side - 1)
  }

  /// Hidden states under teacher forcing, of all tokens or of the first L alone.
  /// - Parameters:
  ///   - tokens_BlC: embeddings of the tokens but the last, (B, L - 1, C).
  ///   - labels: B class labels.
  ///   - extra_BLC: added to the input of every position, or nil.
  /// - Returns: (B, L, C)
  public func hiddenStates(tokens_BlC: Tensor, labels: IndexTensor, extra_BLC: Tensor? = nil) -> Tensor {
    let (B, l, _) = tokens_BlC.dims3
    precondition(
      labels.count == B && l < configuration.layout.count,
      "LlamaGenBody: expected \(labels.count) x at most \(configuration.layout.count - 1) tokens, "
        + "got \(tokens_BlC.shape)")
    let x_BLC = Tensor.concatenated([classInput(labels), tokens_BlC], axis: 1)
    return run(extra_BLC.map { x_BLC + $0 } ?? x_BLC, cache: nil)
  }

  /// The hidden state (B, 1, C) that the next token depends on; the cache then holds all tokens read so far.
  /// - Parameters:
  ///   - tokens_BlC: embeddings of the tokens since the last call; nil for none.
  ///   - labels: B class labels, read before the tokens where the cache is empty.
  public func nextState(tokens_BlC: Tensor?, labels: IndexTensor, cache: KeyValueCache) -> Tensor {
    let start_B1C = cache.count == 0 ? classInput(labels) : nil
    let states_BlC = run(
      Tensor.concatenated([start_B1C, tokens_BlC].compactMap { $0 }, axis: 1), cache: cache)
    let l = states_BlC.dims3.1
    return states_BlC.sliced(axis: 1, (l - 1)..<l)
  }

  private func classInput(_ labels: IndexTensor) -> Tensor {
    classEmbedding(labels.reshaped([labels.count, 1]))
  }

  private func run(_ input_BLC: Tensor, cache: KeyValueCache?) -> Tensor {
    var x_BLC = input_BLC
    let l = input_BLC.dims3.1
    let visible = Array(visibleCounts.prefix(l))
    for layer in layers {
      x_BLC = recomputable(x_BLC) { layer($0, rotary: rotary, visible: visible, cache: cache) }
    }
    cache?.advance(by: l)
    return norm(x_BLC)
  }
}
