import CShims

extension CPUBackend {
  public func normalizeQK(
    _ x: Storage, scale: Storage, into y: Storage, rows: Int, heads: Int, headWidth: Int
  ) {
    let (x, scale, y, width) = (x.host, scale.host, y.host, 3 * heads * headWidth)
    pool.forEachRange(rows, grain: max(1, Self.grain / width)) { range in
      let start = range.lowerBound * width
      dd2_normalize_qk_rows(x + start, scale, y + start, range.count, heads, headWidth)
    }
  }

  public func normalizeQKBackward(
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

  public func rotate(
    _ x: Storage, cosine: Storage, sine: Storage, into y: Storage, transposed: Bool, _ extents: RotaryExtents
  ) {
    let (x, y, cosine, sine, width) = (x.host, y.host, cosine.host, sine.host, extents.width)
    pool.forEachRange(extents.rows, grain: max(1, Self.grain / width)) { range in
      let start = range.lowerBound * width
      dd2_rotary_rows(
        x + start, y + start, cosine, sine, range.lowerBound, range.count, extents.length,
        extents.tableOffset,
        width, extents.rotatedWidth, extents.headWidth, transposed ? -1 : 1)
    }
  }
}
