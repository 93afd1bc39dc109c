import CShims

extension CPUBackend {
  public func sum(_ x: Storage, outer: Int, axis: Int, inner: Int, into y: Storage) {
    let (x, y) = (x.host, y.host)
    if inner == 1 {
      pool.forEachRange(outer, grain: max(1, Self.grain / max(axis, 1))) { range in
        let first = range.lowerBound
        dd2_sum_last(x + first * axis, range.count, axis, y + first)
      }
      return
    }
    // Columns are cut into blocks; a block of one outer index is one task, so each sum has one owner.
    let block = 256
    let blocks = (inner + block - 1) / block
    if outer * blocks < pool.threadCount * 2 && axis > 512 {
      for o in 0..<outer { sumTall(x + o * axis * inner, axis: axis, inner: inner, into: y + o * inner) }
      return
    }
    let scratch = allocate(2 * block * pool.threadCount)
    pool.forEachPart { part in
      let sums = UnsafeMutableRawPointer(scratch.host + 2 * block * part).assumingMemoryBound(to: Double.self)
      for task in ThreadPool.range(of: part, parts: pool.threadCount, count: outer * blocks) {
        let (o, first) = (task / blocks, task % blocks * block)
        let width = min(block, inner - first)
        dd2_sum_middle(x + o * axis * inner + first, axis, width, inner, y + o * inner + first, sums)
      }
    }
  }

  /// A few columns and many rows (a bias gradient): each thread sums over its share of the rows, then the partial
  /// results are added in thread order.
  private func sumTall(
    _ x: UnsafePointer<Float>, axis: Int, inner: Int, into y: UnsafeMutablePointer<Float>
  ) {
    let parts = pool.threadCount
    let partial = allocate(parts * inner)
    let scratch = allocate(2 * parts * inner)
    pool.forEachPart { part in
      let rows = ThreadPool.range(of: part, parts: parts, count: axis)
      let sums = UnsafeMutableRawPointer(scratch.host + 2 * inner * part).assumingMemoryBound(to: Double.self)
      dd2_sum_middle(
        x + rows.lowerBound * inner, rows.count, inner, inner, partial.host + part * inner, sums)
    }
    withExtendedLifetime((partial, scratch)) {
      let sums = UnsafeMutableRawPointer(scratch.host).assumingMemoryBound(to: Double.self)
      dd2_sum_middle(partial.host, parts, inner, inner, y, sums)
    }
  }

  public func argmax(_ x: Storage, rows: Int, width: Int) -> [Int32] {
    let x = x.host
    return [Int32](unsafeUninitializedCapacity: rows) { buffer, count in
      nonisolated(unsafe) let result = buffer
      pool.forEachRange(rows, grain: max(1, Self.grain / max(width, 1))) { range in
        for row in range { result[row] = dd2_argmax(x + row * width, width) }
      }
      count = rows
    }
  }

  public func sumOfSquares(_ x: Storage, count: Int) -> Double { dd2_sum_of_squares(x.host, count) }

  public func isFinite(_ x: Storage, count: Int) -> Bool { dd2_all_finite(x.host, count) != 0 }
}
