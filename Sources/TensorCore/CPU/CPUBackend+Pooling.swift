import CShims

extension CPUBackend {
  func run(_ kernel: PoolingKernel, _ x: Storage, into y: Storage) {
    forRows(of: kernel.geometry) { rows, g in
      switch kernel {
      case .max: dd2_max_pool(x.host, &g, rows.lowerBound, rows.upperBound, y.host)
      case .average: dd2_average_pool(x.host, &g, rows.lowerBound, rows.upperBound, y.host)
      }
    }
  }

  /// Rows of y, numbered through the batch, on all threads.
  private func forRows(of g: PoolingGeometry, _ body: (Range<Int>, inout dd2_pool_geometry) -> Void) {
    let work = g.outWidth * g.channels * g.window.side * g.window.side
    pool.forEachRange(g.batch * g.outHeight, grain: max(1, Self.grain / max(work, 1))) { rows in
      var geometry = dd2_pool_geometry(
        height: g.height, width: g.width, channels: g.channels, side: g.window.side, stride: g.window.stride,
        padding: g.window.padding, out_height: g.outHeight, out_width: g.outWidth)
      body(rows, &geometry)
    }
  }
}
