import CShims

extension CPUBackend {
  func run(_ kernel: ResizeKernel, _ x: Storage, into y: Storage) {
    switch kernel {
    case .resample(let axis, let taps):
      let blocks = AxisBlocks(x.type.shape, axis: axis)
      resample(x, outer: blocks.outer, inner: blocks.inner, taps: taps, into: y)
    }
  }

  func resample(_ x: Storage, outer: Int, inner: Int, taps: AxisTaps, into y: Storage) {
    pool.forEachRange(outer * taps.output, grain: max(1, Self.grain / max(inner, 1))) { range in
      dd2_resample(
        x.host, taps.input, taps.output, inner, taps.offsets, taps.indices, taps.weights,
        range.lowerBound, range.upperBound, y.host)
    }
  }
}
