import CShims

extension CPUBackend {
  func normalizeQK(
    _ x: Storage, scale: Storage, into y: Storage, rows: Int, heads: Int, headWidth: Int
  ) {
    let (x, scale, y, width) = (x.host, scale.host, y.host, 3 * heads * headWidth)
    pool.forEachRange(rows, grain: max(1, Self.grain / width)) { range in
      let start = range.lowerBound * width
      dd2_normalize_qk_rows(x + start, scale, y + start, range.count, heads, headWidth)
    }
  }

  func normalizeQKBackward(
    _ x: Storage, scale: Storage, gradY: Storage, gradX: Storage?, gradScale: Storage?, rows: Int, heads: Int,
    headWidth: Int
  ) {
    let (x, scale, gradY, width) = (x.host, scale.host, gradY.host, 3 * heads * headWidth)
    let blocks = RowBlocks(groups: 1, rowsPerGroup: rows)
    let sums = BlockSums(into: gradScale, blocks, width: heads, self)
    let gradX = gradX?.host
    overBlocks(blocks, width: width) { block in
      let (_, first, count) = blocks.rows(of: block)
      let start = first * width
      dd2_normalize_qk_backward_rows(
        x + start, scale, gradY + start, gradX.map { $0 + start }, sums.start(block), count, heads, headWidth)
    }
    sums.finish()
  }

  func rotate(
    _ x: Storage, cosine: Storage, sine: Storage, position: Storage, into y: Storage, heads: Int, transposed: Bool
  ) {
    let (rows, length, width) = (x.type.shape.rows, x.type.shape[1], x.type.shape.last)
    let first = Int(position.hostIntegers.pointee)
    precondition(
      first >= 0 && first + length <= cosine.type.shape[0],
      "rotate: rows \(first)..<\(first + length) of a table of \(cosine.type.shape[0])")
    let (x, y, cosine, sine) = (x.host, y.host, cosine.host, sine.host)
    pool.forEachRange(rows, grain: max(1, Self.grain / width)) { range in
      let start = range.lowerBound * width
      dd2_rotary_rows(
        x + start, y + start, cosine, sine, range.lowerBound, range.count, length, first, width, 2 * width / 3,
        width / (3 * heads), transposed ? -1 : 1)
    }
  }
}
