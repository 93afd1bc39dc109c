/// A (batch, tokens, heads * d) operand whose rows may be part of wider ones, as q, k and v are of a packed qkv.
public struct TokenRows {
  /// The elements.
  public var storage: Storage
  /// Index of the first element.
  public var offset: Int
  /// Distance between the rows of successive tokens; a sample's rows follow those of the one before.
  public var rowStride: Int

  /// Rows of tokens.
  public init(_ storage: Storage, offset: Int = 0, rowStride: Int) {
    self.storage = storage
    self.offset = offset
    self.rowStride = rowStride
  }
}

/// Extents of one attention: heads lie side by side in a row of `heads * headWidth`.
public struct AttentionExtents: Sendable {
  /// Samples.
  public var batch: Int
  /// Heads.
  public var heads: Int
  /// Query tokens per sample.
  public var queries: Int
  /// Key tokens per sample.
  public var keys: Int
  /// Width of a head.
  public var headWidth: Int
  /// Factor on the scores.
  public var scale: Float
  /// How many leading keys each query sees, each 1 or more; nil: all.
  public var visible: [Int]?

  /// Extents of one attention.
  public init(
    batch: Int, heads: Int, queries: Int, keys: Int, headWidth: Int, scale: Float, visible: [Int]?
  ) {
    self.batch = batch
    self.heads = heads
    self.queries = queries
    self.keys = keys
    self.headWidth = headWidth
    self.scale = scale
    self.visible = visible
  }
}

/// The rotation of one tensor by a rotary table.
public struct RotaryExtents: Sendable {
  /// Rows of all samples, and rows of one.
  public var rows, length: Int
  /// Elements in a row, how many leading ones are rotated, and width of a head.
  public var width, rotatedWidth, headWidth: Int
  /// Table row of a sample's first token.
  public var tableOffset: Int

  /// The rotation of (rows / length, length, width).
  public init(
    rows: Int, length: Int, width: Int, rotatedWidth: Int, headWidth: Int, tableOffset: Int
  ) {
    self.rows = rows
    self.length = length
    self.width = width
    self.rotatedWidth = rotatedWidth
    self.headWidth = headWidth
    self.tableOffset = tableOffset
  }
}

/// Fused attention and rotary embedding.
public protocol AttentionKernels {
  /// `o = softmax(scale q k^T) v` per sample and head; writes the log-sum-exp of the scores (batch, heads, queries).
  func attention(
    _ q: TokenRows, _ k: TokenRows, _ v: TokenRows, into o: Storage, logSum: Storage,
    _ extents: AttentionExtents)
  /// Gradients of `attention`, written over all rows of their operands; nil ones are not computed.
  func attentionBackward(
    _ q: TokenRows, _ k: TokenRows, _ v: TokenRows, o: Storage, logSum: Storage, gradO: Storage,
    gradQ: TokenRows?, gradK: TokenRows?, gradV: TokenRows?, _ extents: AttentionExtents)
  /// Packed rows q|k|v: each head of q to length `scale[head]`, of k to length 1, v copied.
  func normalizeQK(_ x: Storage, scale: Storage, into y: Storage, rows: Int, heads: Int, headWidth: Int)
  /// Gradients of `normalizeQK`; nil ones are not computed.
  func normalizeQKBackward(
    _ x: Storage, scale: Storage, gradY: Storage, gradX: Storage?, gradScale: Storage?, rows: Int, heads: Int,
    headWidth: Int)
  /// Rotates pairs by the table rows `cosine`, `sine` (positions, headWidth / 2), or applies the transpose.
  func rotate(
    _ x: Storage, cosine: Storage, sine: Storage, into y: Storage, transposed: Bool, _ extents: RotaryExtents)
}
