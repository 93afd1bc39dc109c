import CShims

// Elements are only moved: integers travel as the Floats of their bits.
extension CPUBackend {
  func run(_ kernel: MovementKernel, _ x: [Storage], into y: Storage) {
    switch kernel {
    case .fill(let type, let value):
      fill(
        y, value: type.element == .int32 ? Float(bitPattern: UInt32(bitPattern: Int32(value))) : value, count: y.count)
    case .reshape, .copy, .barrier: copy(x[0], to: y, count: y.count)
    case .broadcast(let shape):
      gatherStrided(x[0], strides: x[0].type.shape.broadcastStrides(to: shape), shape: shape.dimensions, into: y)
    case .permute(let order):
      let strides = x[0].type.shape.strides
      gatherStrided(x[0], strides: order.map { strides[$0] }, shape: y.type.shape.dimensions, into: y)
    case .slice(let axis, let range): slice(x[0], axis: axis, range, into: y)
    case .pad(let axis, let before, _):
      fill(y, value: 0, count: y.count)
      place(x[0], axis: axis, at: before, in: y)
    case .concatenate(let axis):
      var start = 0
      for part in x {
        place(part, axis: axis, at: start, in: y)
        start += part.type.shape[axis]
      }
    case .gatherRows: gatherRows(x[0], ids: x[1], into: y)
    case .scatterAddRows:
      fill(y, value: 0, count: y.count)
      scatterAddRows(x[0], ids: x[1], into: y)
    }
  }

  /// Writes `part` where it begins at `start` of an axis of `whole`.
  func place(_ part: Storage, axis: Int, at start: Int, in whole: Storage) {
    let blocks = AxisBlocks(whole.type.shape, axis: axis)
    let width = part.type.shape[axis] * blocks.inner
    copyRows(
      part, offset: 0, pitch: width, to: whole, offset: start * blocks.inner,
      pitch: whole.type.shape[axis] * blocks.inner, rows: blocks.outer, width: width)
  }

  private func slice(_ x: Storage, axis: Int, _ range: Range<Int>, into y: Storage) {
    let blocks = AxisBlocks(x.type.shape, axis: axis)
    let width = range.count * blocks.inner
    copyRows(
      x, offset: range.lowerBound * blocks.inner, pitch: x.type.shape[axis] * blocks.inner, to: y, offset: 0,
      pitch: width, rows: blocks.outer, width: width)
  }

  /// Reads `source` with `strides` over `shape` into contiguous memory.
  private func gatherStrided(_ source: Storage, strides: [Int], shape: [Int], into destination: Storage) {
    let (from, to) = (source.host, destination.host)
    let inner = shape.last ?? 1
    let innerStride = strides.last ?? 0
    let outer = Array(zip(shape, strides).dropLast())
    let runs = outer.reduce(1) { $0 * $1.0 }
    pool.forEachRange(runs, grain: max(1, Self.grain / max(inner, 1))) { range in
      for run in range {
        var rest = run
        var start = 0
        for (extent, stride) in outer.reversed() {
          start += rest % extent * stride
          rest /= extent
        }
        let (row, target) = (from + start, to + run * inner)
        if innerStride == 1 {
          target.update(from: row, count: inner)
        } else {
          for i in 0..<inner { target[i] = row[i * innerStride] }
        }
      }
    }
  }

  /// Copies `rows` rows of `width` elements between two pitched arrays.
  private func copyRows(
    _ source: Storage, offset sourceOffset: Int, pitch sourcePitch: Int,
    to destination: Storage, offset: Int, pitch: Int, rows: Int, width: Int
  ) {
    let (from, to) = (source.host + sourceOffset, destination.overwritten + offset)
    pool.forEachRange(rows, grain: max(1, Self.grain / max(width, 1))) { range in
      for row in range { (to + row * pitch).update(from: from + row * sourcePitch, count: width) }
    }
  }

  private func gatherRows(_ table: Storage, ids: Storage, into y: Storage) {
    let (rows, width) = (table.type.shape[0], table.type.shape[1])
    let (table, indices, y) = (table.host, Self.checked(ids, below: rows, "gatherRows"), y.host)
    pool.forEachRange(ids.count, grain: max(1, Self.grain / max(width, 1))) { range in
      for i in range { (y + i * width).update(from: table + Int(indices[i]) * width, count: width) }
    }
  }

  private func scatterAddRows(_ rows: Storage, ids: Storage, into table: Storage) {
    let (count, width) = (table.type.shape[0], table.type.shape[1])
    let (rows, indices, table) = (rows.host, Self.checked(ids, below: count, "scatterAddRows"), table.host)
    // Each thread owns a range of table rows, so that every sum runs in index order whatever the thread count.
    pool.forEachRange(count, grain: max(1, Self.grain / max(width, 1))) { range in
      for i in 0..<ids.count where range.contains(Int(indices[i])) {
        dd2_accumulate(table + Int(indices[i]) * width, rows + i * width, width)
      }
    }
  }

  /// Ids, where all lie in `0..<bound`: others would reach into foreign memory.
  static func checked(_ ids: Storage, below bound: Int, _ name: String) -> UnsafeMutablePointer<Int32> {
    let values = ids.hostIntegers
    for i in 0..<ids.count {
      precondition(values[i] >= 0 && values[i] < bound, "\(name): expected ids in 0..<\(bound), got \(values[i])")
    }
    return values
  }
}

/// A shape seen as (outer, axis, inner).
struct AxisBlocks {
  let outer: Int
  let inner: Int

  init(_ shape: Shape, axis: Int) {
    outer = shape.dimensions[..<axis].reduce(1, *)
    inner = shape.dimensions[(axis + 1)...].reduce(1, *)
  }
}
