import CShims

extension CPUBackend {
  public func resample(_ x: Storage, outer: Int, inner: Int, taps: AxisTaps, into y: Storage) {
    pool.forEachRange(outer * taps.output, grain: max(1, Self.grain / max(inner, 1))) { range in
      dd2_resample(
        x.host, taps.input, taps.output, inner, taps.offsets, taps.indices, taps.weights,
        range.lowerBound, range.upperBound, y.host)
    }
  }
}
