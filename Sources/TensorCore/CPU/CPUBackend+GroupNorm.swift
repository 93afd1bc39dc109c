import CShims

/// Images in parallel; each is read twice, mostly from cache.
extension CPUBackend {
  public func groupNorm(
    _ x: Storage, weight: Storage, bias: Storage, epsilon: Float, activation: Activation, into y: Storage,
    mean: Storage, rstd: Storage, _ geometry: GroupNormGeometry
  ) {
    let g = geometry
    let size = g.pixels * g.channels
    pool.forEachRange(g.batch, grain: max(1, Self.grain / max(size, 1))) { range in
      let scratch = allocate(2 * 3 * g.channels)
      for image in range {
        dd2_groupnorm(
          x.host + image * size, weight.host, bias.host, g.pixels, g.channels, g.groups, epsilon,
          activation.rawValue, scratch.doubles, y.host + image * size,
          mean.host + image * g.groups, rstd.host + image * g.groups)
      }
    }
  }

  public func groupNormBackward(
    x: Storage, gradY: Storage, weight: Storage, bias: Storage, mean: Storage, rstd: Storage,
    activation: Activation, gradX: Storage, gradWeight: Storage, gradBias: Storage,
    _ geometry: GroupNormGeometry
  ) {
    let g = geometry
    let size = g.pixels * g.channels
    let weightShares = allocate(g.batch * g.channels)
    let biasShares = allocate(g.batch * g.channels)
    pool.forEachRange(g.batch, grain: max(1, Self.grain / max(size, 1))) { range in
      let scratch = allocate(2 * 4 * g.channels)
      for image in range {
        dd2_groupnorm_backward(
          x.host + image * size, gradY.host + image * size, weight.host, bias.host,
          mean.host + image * g.groups, rstd.host + image * g.groups, g.pixels, g.channels, g.groups,
          activation.rawValue, scratch.doubles, gradX.host + image * size,
          weightShares.host + image * g.channels, biasShares.host + image * g.channels)
      }
    }
    sum(weightShares, outer: 1, axis: g.batch, inner: g.channels, into: gradWeight)
    sum(biasShares, outer: 1, axis: g.batch, inner: g.channels, into: gradBias)
  }
}

extension Storage {
  /// Host memory seen as half as many Doubles; blocks of the pool are aligned for them.
  fileprivate var doubles: UnsafeMutablePointer<Double> {
    UnsafeMutableRawPointer(host).assumingMemoryBound(to: Double.self)
  }
}
