import CShims

extension CPUBackend {
  public func maxPool(_ x: Storage, into y: Storage, _ geometry: PoolingGeometry) {
    forRows(of: geometry) { rows, g in dd2_max_pool(x.host, &g, rows.lowerBound, rows.upperBound, y.host) }
  }

  public func averagePool(_ x: Storage, into y: Storage, _ geometry: PoolingGeometry) {
    forRows(of: geometry) { rows, g in dd2_average_pool(x.host, &g, rows.lowerBound, rows.upperBound, y.host) }
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
