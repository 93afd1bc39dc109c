import CShims

extension CPUBackend {
  func run(_ kernel: ReductionKernel, _ x: [Storage], into y: [Storage]) {
    switch kernel {
    case .sum(let axis):
      let blocks = AxisBlocks(x[0].type.shape, axis: axis)
      sum(x[0], outer: blocks.outer, axis: x[0].type.shape[axis], inner: blocks.inner, into: y[0])
    case .argmax: argmax(x[0], into: y[0])
    case .allFinite: y[0].host.pointee = dd2_all_finite(x[0].host, x[0].count) != 0 ? 1 : 0
    case .globalNorm: globalNorm(x, norm: y[0], squares: y[1])
    }
  }

  func sum(_ x: Storage, outer: Int, axis: Int, inner: Int, into y: Storage) {
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
    let scratch = scratch(2 * block * pool.threadCount)
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
    let partial = scratch(parts * inner)
    let scratch = scratch(2 * parts * inner)
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

  private func argmax(_ x: Storage, into y: Storage) {
    let width = x.type.shape.last
    let (x, result) = (x.host, y.hostIntegers)
    pool.forEachRange(y.count, grain: max(1, Self.grain / max(width, 1))) { range in
      for row in range { result[row] = dd2_argmax(x + row * width, width) }
    }
  }

  /// Elements whose squares are summed in one piece: the pieces do not depend on the number of threads.
  private static let normPiece = 1 << 16

  private func globalNorm(_ arrays: [Storage], norm: Storage, squares: Storage) {
    var total = 0.0
    for (index, array) in arrays.enumerated() {
      let sum = sumOfSquares(array)
      squares.host[index] = Float(sum)
      total += sum
    }
    norm.host.pointee = Float(total.squareRoot())
  }

  private func sumOfSquares(_ x: Storage) -> Double {
    let (count, from) = (x.count, x.host)
    let pieces = (count + Self.normPiece - 1) / Self.normPiece
    guard pieces > 1 else { return dd2_sum_of_squares(from, count) }
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: pieces) { sums in
      nonisolated(unsafe) let sums = sums
      pool.forEachRange(pieces, grain: 1) { range in
        for piece in range {
          let start = piece * Self.normPiece
          sums[piece] = dd2_sum_of_squares(from + start, min(Self.normPiece, count - start))
        }
      }
      return sums.reduce(0, +)
    }
  }
}
