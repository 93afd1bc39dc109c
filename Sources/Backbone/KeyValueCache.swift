import TensorCore

/// Keys and values of all tokens so far, a pair of buffers per layer, made for the whole sequence at the start: a call
/// writes its rows at a position that is a tensor and moves nothing, so that every call of one width is the same program.
public final class KeyValueCache {
  private let keys: [Tensor]
  private let values: [Tensor]
  /// Number of tokens that every layer holds.
  public private(set) var count = 0
  /// The same as a scalar on the backend: where the next token goes.
  public private(set) var position: IndexTensor

  /// Empty buffers for `batch` sequences of `tokens` tokens.
  public init(depth: Int, batch: Int, tokens: Int, width: Int) {
    let shape = Shape([batch, tokens, width])
    keys = (0..<depth).map { _ in .zeros(shape) }
    values = (0..<depth).map { _ in .zeros(shape) }
    position = .scalar(0)
  }

  /// Writes the keys and values (B, l, C) of the tokens from `count` on and returns a layer's whole buffers (B, L, C).
  func write(layer: Int, key: Tensor, value: Tensor) -> (keys: Tensor, values: Tensor) {
    keys[layer].overwrite(axis: 1, at: position, with: key)
    values[layer].overwrite(axis: 1, at: position, with: value)
    return (keys[layer], values[layer])
  }

  /// Called when all layers have written `tokens` tokens.
  func advance(by tokens: Int) {
    count += tokens
    position = .scalar(count)
  }
}

extension VARConfiguration {
  /// An empty cache.
  public func makeCache(batch: Int) -> KeyValueCache {
    KeyValueCache(depth: depth, batch: batch, tokens: layout.count, width: width)
  }
}

extension LlamaGenConfiguration {
  /// An empty cache.
  public func makeCache(batch: Int) -> KeyValueCache {
    KeyValueCache(depth: depth, batch: batch, tokens: layout.count, width: width)
  }
}
