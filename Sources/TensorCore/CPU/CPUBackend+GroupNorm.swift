import CShims

/// The extents of a group normalisation over x (batch, pixels, channels).
private struct GroupNormGeometry {
  let batch: Int
  let pixels: Int
  let channels: Int
  let groups: Int
}

/// Images in parallel; each is read twice, mostly from cache.
extension CPUBackend {
  func run(_ kernel: GroupNormKernel, _ x: [Storage], into y: [Storage]) {
    let shape = x[0].type.shape
    func geometry(_ form: GroupNormForm) -> GroupNormGeometry {
      GroupNormGeometry(batch: shape[0], pixels: shape[1] * shape[2], channels: shape[3], groups: form.groups)
    }
    switch kernel {
    case .normalize(let form):
      groupNorm(
        x[0], weight: x[1], bias: x[2], epsilon: form.epsilon, activation: form.activation, into: y[0], mean: y[1],
        rstd: y[2], geometry(form))
    case .backward(let form):
      groupNormBackward(
        x: x[0], gradY: x[1], weight: x[2], bias: x[3], mean: x[4], rstd: x[5], activation: form.activation,
        gradX: y[0], gradWeight: y[1], gradBias: y[2], geometry(form))
    }
  }

  private func groupNorm(
    _ x: Storage, weight: Storage, bias: Storage, epsilon: Float, activation: Activation, into y: Storage,
    mean: Storage, rstd: Storage, _ geometry: GroupNormGeometry
  ) {
    let g = geometry
    let size = g.pixels * g.channels
    pool.forEachRange(g.batch, grain: max(1, Self.grain / max(size, 1))) { range in
      let scratch = scratch(2 * 3 * g.channels)
      for image in range {
        dd2_groupnorm(
          x.host + image * size, weight.host, bias.host, g.pixels, g.channels, g.groups, epsilon,
          activation.rawValue, scratch.doubles, y.host + image * size,
          mean.host + image * g.groups, rstd.host + image * g.groups)
      }
    }
  }

  private func groupNormBackward(
    x: Storage, gradY: Storage, weight: Storage, bias: Storage, mean: Storage, rstd: Storage,
    activation: Activation, gradX: Storage, gradWeight: Storage, gradBias: Storage,
    _ geometry: GroupNormGeometry
  ) {
    let g = geometry
    let size = g.pixels * g.channels
    let weightShares = scratch(g.batch * g.channels)
    let biasShares = scratch(g.batch * g.channels)
    pool.forEachRange(g.batch, grain: max(1, Self.grain / max(size, 1))) { range in
      let scratch = scratch(2 * 4 * g.channels)
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
