import TensorCore

/// Keys and values of all tokens so far, one pair of buffers per layer, made for the whole sequence at the start:
/// a step writes its rows and moves nothing.
public final class KeyValueBuffers {
  private let keys: [Tensor]
  private let values: [Tensor]
  /// Number of tokens that every layer holds.
  public private(set) var count = 0

  /// Empty buffers for `batch` sequences.
  public init(_ configuration: LlamaGenConfiguration, batch: Int) {
    let shape = Shape([batch, configuration.layout.count, configuration.width])
    keys = (0..<configuration.depth).map { _ in .zeros(shape) }
    values = (0..<configuration.depth).map { _ in .zeros(shape) }
  }

  /// Writes the keys and values (B, l, C) of the tokens from `count` on and returns a layer's whole buffers (B, L, C).
  func write(layer: Int, key: Tensor, value: Tensor) -> (keys: Tensor, values: Tensor) {
    keys[layer].overwrite(axis: 1, from: count, with: key)
    values[layer].overwrite(axis: 1, from: count, with: value)
    return (keys[layer], values[layer])
  }

  /// Called when all layers have written `tokens` tokens.
  func advance(by tokens: Int) { count += tokens }
}
