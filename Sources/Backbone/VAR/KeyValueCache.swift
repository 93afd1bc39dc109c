import TensorCore

/// Keys and values of earlier scales, one entry per block.
public final class KeyValueCache {
  private var keys: [Tensor?]
  private var values: [Tensor?]

  /// An empty cache for `depth` blocks.
  public init(depth: Int) {
    keys = Array(repeating: nil, count: depth)
    values = keys
  }

  /// Appends keys and values (B, l, C) of new tokens and returns those of all tokens so far.
  func append(block: Int, key: Tensor, value: Tensor) -> (key: Tensor, value: Tensor) {
    let allKeys = keys[block].map { Tensor.concatenated([$0, key], axis: 1) } ?? key
    let allValues = values[block].map { Tensor.concatenated([$0, value], axis: 1) } ?? value
    keys[block] = allKeys
    values[block] = allValues
    return (allKeys, allValues)
  }
}
