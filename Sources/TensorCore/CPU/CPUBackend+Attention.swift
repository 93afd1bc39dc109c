import CShims

/// A (batch, tokens, heads * d) operand whose rows may be part of wider ones, as q, k and v are of a packed qkv.
struct TokenRows {
  let storage: Storage
  /// Index of the first element.
  let offset: Int
  /// Distance between the rows of successive tokens; a sample's rows follow those of the one before.
  let rowStride: Int

  init(_ storage: Storage, offset: Int = 0, rowStride: Int) {
    (self.storage, self.offset, self.rowStride) = (storage, offset, rowStride)
  }

  /// q, k and v of packed rows.
  static func packed(_ qkv: Storage) -> [TokenRows] {
    let width = qkv.type.shape.last
    return (0..<3).map { TokenRows(qkv, offset: $0 * width / 3, rowStride: width) }
  }

  /// Rows that fill their storage.
  static func whole(_ storage: Storage) -> TokenRows { TokenRows(storage, rowStride: storage.type.shape.last) }
}

/// Extents of one attention: heads lie side by side in a row of `heads * headWidth`.
struct AttentionExtents {
  let batch: Int
  let heads: Int
  let queries: Int
  let keys: Int
  let headWidth: Int
  let scale: Float
  /// How many leading keys each query sees, each 1 or more; nil: all.
  let visible: [Int]?

  init(_ form: AttentionForm, queries: Shape, keys: Int, width: Int, position: Storage?) {
    (batch, self.queries, self.keys) = (queries[0], queries[1], keys)
    (heads, headWidth, scale) = (form.heads, width / form.heads, form.scale)
    switch form.visibility {
    case .all: visible = nil
    case .counts(let counts): visible = counts
    case .fromPosition:
      let first = Int(position?.hostIntegers.pointee ?? 0)
      precondition(
        first >= 0 && first + self.queries <= keys, "attention: \(self.queries) queries at \(first) of \(keys)")
      visible = (0..<self.queries).map { first + $0 + 1 }
    }
  }
}

/// Consecutive queries that are handled together, and how many leading keys the most seeing one of them sees.
struct QueryTile {
  let queries: Range<Int>
  let keys: Int

  /// At most 128 queries a tile, which bounds the scratch; where the number of visible keys changes a tile ends
  /// once it has 32, so that block-causal attention computes few scores that nobody sees.
  static func tiles(_ extents: AttentionExtents) -> [QueryTile] {
    let (least, most) = (32, 128)
    var tiles: [QueryTile] = []
    var start = 0
    while start < extents.queries {
      var end = min(start + most, extents.queries)
      guard let visible = extents.visible else {
        tiles.append(QueryTile(queries: start..<end, keys: extents.keys))
        start = end
        continue
      }
      if let change = (start + least..<max(end, start + least)).first(where: {
        visible[$0] != visible[$0 - 1]
      }) {
        end = change
      }
      tiles.append(QueryTile(queries: start..<end, keys: visible[start..<end].max() ?? 0))
      start = end
    }
    return tiles
  }
}

/// The matrix of one head within token rows.
private struct HeadMatrix {
  let pointer: UnsafeMutablePointer<Float>
  let pitch: Int

  init(_ rows: TokenRows, sample: Int, tokens: Int, head: Int, headWidth: Int) {
    pointer = rows.storage.host + rows.offset + sample * tokens * rows.rowStride + head * headWidth
    pitch = rows.rowStride
  }

  func row(_ index: Int) -> UnsafeMutablePointer<Float> { pointer + index * pitch }
}

/// What the heads of one call share: the tiles, and scratch of which each thread owns a part.
private struct AttentionPlan {
  let extents: AttentionExtents
  let tiles: [QueryTile]
  private let scratch: Storage
  private let matrixElements: Int
  private let rowElements: Int
  private let matrices: Int

  init(_ extents: AttentionExtents, matrices: Int, _ backend: CPUBackend) {
    self.extents = extents
    self.matrices = matrices
    tiles = QueryTile.tiles(extents)
    // Whole cache lines, so that threads share none.
    rowElements = ((tiles.map(\.queries.count).max() ?? 0) + 15) / 16 * 16
    matrixElements = rowElements * extents.keys
    scratch = backend.scratch(backend.pool.threadCount * (matrices * matrixElements + rowElements))
  }

  func matrix(_ index: Int, part: Int) -> UnsafeMutablePointer<Float> {
    scratch.host + part * (matrices * matrixElements + rowElements) + index * matrixElements
  }

  func row(part: Int) -> UnsafeMutablePointer<Float> { matrix(matrices, part: part) }

  /// Runs `body(part, sample, head)` for every head of every sample, each on one thread.
  func forEachHead(_ pool: ThreadPool, _ body: (_ part: Int, _ sample: Int, _ head: Int) -> Void) {
    pool.forEachPart { part in
      for task in ThreadPool.range(of: part, parts: pool.threadCount, count: extents.batch * extents.heads) {
        body(part, task / extents.heads, task % extents.heads)
      }
    }
  }

  /// Calls `body` with the visible counts from the tile's first query on, or nil.
  func withVisible(_ tile: QueryTile, _ body: (UnsafePointer<Int>?) -> Void) {
    guard let visible = extents.visible else { return body(nil) }
    visible.withUnsafeBufferPointer { body($0.baseAddress.map { $0 + tile.queries.lowerBound }) }
  }
}

extension CPUBackend {
  func run(_ kernel: AttentionKernel, _ x: [Storage], into y: [Storage]) {
    let shape = x[0].type.shape
    switch kernel {
    case .attention(let form):
      let extents = AttentionExtents(
        form, queries: shape, keys: x[1].type.shape[1], width: shape[2], position: x.count > 3 ? x[3] : nil)
      attention(.whole(x[0]), .whole(x[1]), .whole(x[2]), into: y[0], logSum: y[1], extents)
    case .attentionBackward(let form, let wanted):
      let extents = AttentionExtents(
        form, queries: shape, keys: x[1].type.shape[1], width: shape[2], position: nil)
      var gradients = WantedResults(y, wanted)
      attentionBackward(
        .whole(x[0]), .whole(x[1]), .whole(x[2]), o: x[3], logSum: x[4], gradO: x[5],
        gradQ: gradients.next().map(TokenRows.whole), gradK: gradients.next().map(TokenRows.whole),
        gradV: gradients.next().map(TokenRows.whole), extents)
    case .packedAttention(let form):
      let extents = AttentionExtents(form, queries: shape, keys: shape[1], width: shape[2] / 3, position: nil)
      let rows = TokenRows.packed(x[0])
      attention(rows[0], rows[1], rows[2], into: y[0], logSum: y[1], extents)
    case .packedAttentionBackward(let form):
      let extents = AttentionExtents(form, queries: shape, keys: shape[1], width: shape[2] / 3, position: nil)
      let (rows, gradients) = (TokenRows.packed(x[0]), TokenRows.packed(y[0]))
      attentionBackward(
        rows[0], rows[1], rows[2], o: x[1], logSum: x[2], gradO: x[3], gradQ: gradients[0], gradK: gradients[1],
        gradV: gradients[2], extents)
    case .normalizeQK(let heads):
      normalizeQK(x[0], scale: x[1], into: y[0], rows: shape.rows, heads: heads, headWidth: shape.last / (3 * heads))
    case .normalizeQKBackward(let heads, let wanted):
      var gradients = WantedResults(y, wanted)
      normalizeQKBackward(
        x[0], scale: x[1], gradY: x[2], gradX: gradients.next(), gradScale: gradients.next(), rows: shape.rows,
        heads: heads, headWidth: shape.last / (3 * heads))
    case .rotate(let heads, let transposed):
      rotate(x[0], cosine: x[1], sine: x[2], position: x[3], into: y[0], heads: heads, transposed: transposed)
    }
  }

  private func attention(
    _ q: TokenRows, _ k: TokenRows, _ v: TokenRows, into o: Storage, logSum: Storage,
    _ extents: AttentionExtents
  ) {
    let plan = AttentionPlan(extents, matrices: 1, self)
    let (d, logSum) = (extents.headWidth, logSum.host)
    let output = TokenRows(o, rowStride: extents.heads * d)
    plan.forEachHead(pool) { part, sample, head in
      let q = HeadMatrix(q, sample: sample, tokens: extents.queries, head: head, headWidth: d)
      let k = HeadMatrix(k, sample: sample, tokens: extents.keys, head: head, headWidth: d)
      let v = HeadMatrix(v, sample: sample, tokens: extents.keys, head: head, headWidth: d)
      let o = HeadMatrix(output, sample: sample, tokens: extents.queries, head: head, headWidth: d)
      let logSum = logSum + (sample * extents.heads + head) * extents.queries
      let (scores, inverse) = (plan.matrix(0, part: part), plan.row(part: part))
      for tile in plan.tiles {
        let (first, m, n) = (tile.queries.lowerBound, tile.queries.count, tile.keys)
        BLAS.multiply(0, 1, m, n, d, extents.scale, q.row(first), q.pitch, k.pointer, k.pitch, 0, scores, n)
        plan.withVisible(tile) { dd2_attention_softmax(scores, $0, logSum + first, inverse, m, n) }
        BLAS.multiply(0, 0, m, d, n, 1, scores, n, v.pointer, v.pitch, 0, o.row(first), o.pitch)
        dd2_scale_rows(o.row(first), o.pitch, inverse, m, d)
      }
    }
  }

  private func attentionBackward(
    _ q: TokenRows, _ k: TokenRows, _ v: TokenRows, o: Storage, logSum: Storage, gradO: Storage,
    gradQ: TokenRows?, gradK: TokenRows?, gradV: TokenRows?, _ extents: AttentionExtents
  ) {
    let plan = AttentionPlan(extents, matrices: 2, self)
    let (d, lq, lk, logSum) = (extents.headWidth, extents.queries, extents.keys, logSum.host)
    let output = TokenRows(o, rowStride: extents.heads * d)
    let gradOutput = TokenRows(gradO, rowStride: extents.heads * d)
    plan.forEachHead(pool) { part, sample, head in
      func matrix(_ rows: TokenRows, _ tokens: Int) -> HeadMatrix {
        HeadMatrix(rows, sample: sample, tokens: tokens, head: head, headWidth: d)
      }
      let (q, k, v, o, gradO) = (
        matrix(q, lq), matrix(k, lk), matrix(v, lk), matrix(output, lq), matrix(gradOutput, lq)
      )
      let (gradQ, gradK, gradV) = (
        gradQ.map { matrix($0, lq) }, gradK.map { matrix($0, lk) }, gradV.map { matrix($0, lk) }
      )
      if let gradK { dd2_zero_rows(gradK.pointer, gradK.pitch, lk, d) }
      if let gradV { dd2_zero_rows(gradV.pointer, gradV.pitch, lk, d) }
      let logSum = logSum + (sample * extents.heads + head) * lq
      let (p, gradP, dots) = (plan.matrix(0, part: part), plan.matrix(1, part: part), plan.row(part: part))
      for tile in plan.tiles {
        let (first, m, n) = (tile.queries.lowerBound, tile.queries.count, tile.keys)
        BLAS.multiply(0, 1, m, n, d, extents.scale, q.row(first), q.pitch, k.pointer, k.pitch, 0, p, n)
        BLAS.multiply(0, 1, m, n, d, 1, gradO.row(first), gradO.pitch, v.pointer, v.pitch, 0, gradP, n)
        dd2_dot_rows(o.row(first), gradO.row(first), o.pitch, dots, m, d)
        plan.withVisible(tile) { dd2_attention_softmax_backward(p, gradP, $0, logSum + first, dots, m, n) }
        if let gradV {
          BLAS.multiply(1, 0, n, d, m, 1, p, n, gradO.row(first), gradO.pitch, 1, gradV.pointer, gradV.pitch)
        }
        if let gradQ {
          BLAS.multiply(
            0, 0, m, d, n, extents.scale, gradP, n, k.pointer, k.pitch, 0, gradQ.row(first), gradQ.pitch)
        }
        if let gradK {
          BLAS.multiply(
            1, 0, n, d, m, extents.scale, gradP, n, q.row(first), q.pitch, 1, gradK.pointer, gradK.pitch)
        }
      }
    }
  }
}
