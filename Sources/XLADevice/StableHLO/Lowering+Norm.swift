import TensorCore

extension Lowering {
  mutating func run(_ kernel: NormKernel, _ x: [HLOValue]) -> [HLOValue] {
    switch kernel {
    case .normalize(let norm): return normalize(norm, x)
    case .normalizeBackward(let norm, let wanted): return normalizeBackward(norm, x, wanted)
    case .gatedResidual: return [w.add(x[0], w.multiply(x[1], tokens(x[2], like: x[1])))]
    case .gatedResidualBackward(let wanted):
      let gradY = w.multiply(tokens(x[1], like: x[0]), x[2])
      let gradGate = w.sum(w.multiply(kept(x[0]), x[2]), axes: [1])
      return zip([gradY, gradGate], wanted).filter(\.1).map(\.0)
    }
  }

  /// (B, C) for every token of (B, L, C).
  private mutating func tokens(_ vectors: HLOValue, like x: HLOValue) -> HLOValue {
    w.broadcast(vectors, x.shape, axes: [0, 2])
  }

  /// (groups, width) or (width) for all rows of (groups, rows per group, width).
  private mutating func spread(_ vectors: HLOValue, _ norm: RowNorm) -> HLOValue {
    w.broadcast(
      w.reshape(vectors, [norm.groups, norm.width]), [norm.groups, norm.rowsPerGroup, norm.width], axes: [0, 2])
  }

  private mutating func normalize(_ norm: RowNorm, _ x: [HLOValue]) -> [HLOValue] {
    let rows = w.reshape(x[0], [norm.groups, norm.rowsPerGroup, norm.width])
    let width = Double(norm.width)
    let mean =
      norm.isCentred
      ? w.multiply(w.sum(rows, axes: [2]), 1 / width)
      : w.constant(0, HLOType([norm.groups, norm.rowsPerGroup]))
    let centred = norm.isCentred ? w.subtract(rows, w.repeated(mean, over: [2], like: rows)) : rows
    let variance = w.multiply(w.sum(w.multiply(centred, centred), axes: [2]), 1 / width)
    let inverse = w.unary("rsqrt", w.add(variance, Double(norm.epsilon)))
    var y = w.multiply(centred, w.repeated(inverse, over: [2], like: rows))
    if norm.hasMultiplier {
      let factor = norm.offset == 0 ? x[1] : w.add(x[1], Double(norm.offset))
      y = w.multiply(y, spread(factor, norm))
    }
    if norm.hasShift { y = w.add(y, spread(x[x.count - 1], norm)) }
    let count = norm.groups * norm.rowsPerGroup
    let statistics = w.concatenate([w.reshape(mean, [1, count]), w.reshape(inverse, [1, count])], axis: 0)
    return [w.reshape(y, x[0].shape), statistics]
  }

  private mutating func normalizeBackward(_ norm: RowNorm, _ x: [HLOValue], _ wanted: [Bool]) -> [HLOValue] {
    let shape = [norm.groups, norm.rowsPerGroup, norm.width]
    let (rows, gradY) = (w.reshape(kept(x[0]), shape), w.reshape(x[1], shape))
    let mean = w.reshape(w.slice(x[2], axis: 0, 0..<1), Array(shape[..<2]))
    let inverse = w.repeated(w.reshape(w.slice(x[2], axis: 0, 1..<2), Array(shape[..<2])), over: [2], like: rows)
    let centred = norm.isCentred ? w.subtract(rows, w.repeated(mean, over: [2], like: rows)) : rows
    let n = w.multiply(centred, inverse)
    var results: [HLOValue] = []
    if wanted[0] {
      var h = gradY
      if norm.hasMultiplier {
        h = w.multiply(h, spread(norm.offset == 0 ? x[3] : w.add(x[3], Double(norm.offset)), norm))
      }
      let along = w.multiply(n, w.multiply(w.sumRepeated(w.multiply(h, n), axes: [2]), 1 / Double(norm.width)))
      var g = w.subtract(h, along)
      if norm.isCentred { g = w.subtract(g, w.multiply(w.sumRepeated(h, axes: [2]), 1 / Double(norm.width))) }
      results.append(w.reshape(w.multiply(g, inverse), x[0].shape))
    }
    let vectors = norm.offset == 0 ? [norm.width] : [norm.groups, norm.width]
    if wanted[1] { results.append(w.reshape(w.sum(w.multiply(n, gradY), axes: [1]), vectors)) }
    if wanted[2] { results.append(w.reshape(w.sum(gradY, axes: [1]), vectors)) }
    return results
  }

  mutating func run(_ kernel: GroupNormKernel, _ x: [HLOValue]) -> [HLOValue] {
    switch kernel {
    case .normalize(let form): return groupNorm(form, x)
    case .backward(let form): return groupNormBackward(form, x)
    }
  }

  /// x (B, h, w, C) as (B, pixels, groups, channels of a group).
  private mutating func grouped(_ x: HLOValue, _ groups: Int) -> HLOValue {
    w.reshape(x, [x.shape[0], x.shape[1] * x.shape[2], groups, x.shape[3] / groups])
  }

  /// (B, groups) at every place.
  private mutating func ofGroups(_ statistic: HLOValue, like x: HLOValue) -> HLOValue {
    w.broadcast(statistic, x.shape, axes: [0, 2])
  }

  /// (C) at every place.
  private mutating func ofChannels(_ vector: HLOValue, like x: HLOValue) -> HLOValue {
    w.broadcast(w.reshape(vector, [x.shape[2], x.shape[3]]), x.shape, axes: [2, 3])
  }

  private mutating func groupNorm(_ form: GroupNormForm, _ x: [HLOValue]) -> [HLOValue] {
    let g = grouped(x[0], form.groups)
    let count = Double(g.shape[1] * g.shape[3])
    let mean = w.multiply(w.sum(g, axes: [1, 3]), 1 / count)
    let centred = w.subtract(g, ofGroups(mean, like: g))
    let variance = w.multiply(w.sum(w.multiply(centred, centred), axes: [1, 3]), 1 / count)
    let rstd = w.unary("rsqrt", w.add(variance, Double(form.epsilon)))
    let n = w.multiply(centred, ofGroups(rstd, like: g))
    let y = w.add(w.multiply(n, ofChannels(x[1], like: g)), ofChannels(x[2], like: g))
    return [w.reshape(activated(y, form.activation), x[0].shape), mean, rstd]
  }

  private mutating func groupNormBackward(_ form: GroupNormForm, _ x: [HLOValue]) -> [HLOValue] {
    let (g, weight) = (grouped(kept(x[0]), form.groups), x[2])
    let rstd = ofGroups(x[5], like: g)
    let n = w.multiply(w.subtract(g, ofGroups(x[4], like: g)), rstd)
    var gradient = grouped(x[1], form.groups)
    let before = w.add(w.multiply(n, ofChannels(weight, like: g)), ofChannels(x[3], like: g))
    switch form.activation {
    case .none: break
    case .silu: gradient = run(.elementwise(.unaryBackward(.silu)), [before, gradient])[0]
    case .relu: gradient = run(.elementwise(.unaryBackward(.relu)), [before, gradient])[0]
    }
    let gradWeight = w.reshape(w.sum(w.multiply(gradient, n), axes: [0, 1]), weight.shape)
    let gradBias = w.reshape(w.sum(gradient, axes: [0, 1]), weight.shape)
    let h = w.multiply(gradient, ofChannels(weight, like: g))
    let count = Double(g.shape[1] * g.shape[3])
    let meanH = ofGroups(w.multiply(w.sum(h, axes: [1, 3]), 1 / count), like: g)
    let meanHN = ofGroups(w.multiply(w.sum(w.multiply(h, n), axes: [1, 3]), 1 / count), like: g)
    let gradX = w.multiply(rstd, w.subtract(w.subtract(h, meanH), w.multiply(n, meanHN)))
    return [w.reshape(gradX, x[0].shape), gradWeight, gradBias]
  }

  mutating func activated(_ x: HLOValue, _ activation: Activation) -> HLOValue {
    switch activation {
    case .none: x
    case .silu: unary(.silu, x)
    case .relu: unary(.relu, x)
    }
  }
}
