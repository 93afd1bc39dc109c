import CShims

extension CPUBackend {
  public func gatherStrided(_ source: Storage, strides: [Int], shape: [Int], into destination: Storage) {
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

  public func copyRows(
    _ source: Storage, offset sourceOffset: Int, pitch sourcePitch: Int,
    to destination: Storage, offset: Int, pitch: Int, rows: Int, width: Int
  ) {
    let (from, to) = (source.host + sourceOffset, destination.overwritten + offset)
    pool.forEachRange(rows, grain: max(1, Self.grain / max(width, 1))) { range in
      for row in range { (to + row * pitch).update(from: from + row * sourcePitch, count: width) }
    }
  }

  public func gatherRows(_ table: Storage, indices: [Int32], width: Int, into y: Storage) {
    let (table, y) = (table.host, y.host)
    pool.forEachRange(indices.count, grain: max(1, Self.grain / max(width, 1))) { range in
      for i in range { (y + i * width).update(from: table + Int(indices[i]) * width, count: width) }
    }
  }

  public func scatterAddRows(
    _ rows: Storage, indices: [Int32], width: Int, into table: Storage, tableRows: Int
  ) {
    let (rows, table) = (rows.host, table.host)
    // Each thread owns a range of table rows, so that every sum runs in index order whatever the thread count.
    pool.forEachRange(tableRows, grain: max(1, Self.grain / max(width, 1))) { range in
      for (i, index) in indices.enumerated() where range.contains(Int(index)) {
        dd2_accumulate(table + Int(index) * width, rows + i * width, width)
      }
    }
  }
}
