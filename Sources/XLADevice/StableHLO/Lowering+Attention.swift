import TensorCore

extension Lowering {
  mutating func run(_ kernel: AttentionKernel, _ x: [HLOValue]) -> [HLOValue] {
    switch kernel {
    case .attention(let form):
      return attention(form, Array(x[..<3]), position: x.count > 3 ? x[3] : nil)
    case .attentionBackward(let form, let wanted):
      let factors = x[..<3].map { keptFactor($0) }
      let gradients = attentionBackward(form, factors, o: x[3], logSum: x[4], gradO: x[5])
      return zip(gradients, wanted).filter(\.1).map(\.0)
    case .packedAttention(let form):
      let packed = factor(x[0])
      return attention(form, thirds(packed), position: nil)
    case .packedAttentionBackward(let form):
      let packed = keptFactor(x[0])
      let gradients = attentionBackward(form, thirds(packed), o: x[1], logSum: x[2], gradO: x[3])
      return [w.concatenate(gradients, axis: 2)]
    case .normalizeQK(let heads): return [normalizeQK(x[0], scale: x[1], heads: heads)]
    case .normalizeQKBackward(let heads, let wanted): return normalizeQKBackward(x, heads: heads, wanted)
    case .rotate(let heads, let transposed): return [rotate(x, heads: heads, transposed: transposed)]
    }
  }

  /// The parts q, k and v of packed rows.
  private mutating func thirds(_ x: HLOValue) -> [HLOValue] {
    let axis = x.shape.count - 1
    let C = x.shape[axis] / 3
    return (0..<3).map { w.slice(x, axis: axis, $0 * C..<($0 + 1) * C) }
  }

  /// (B, L, C) as (B, L, heads, d).
  private mutating func split(_ x: HLOValue, _ heads: Int) -> HLOValue {
    w.reshape(x, [x.shape[0], x.shape[1], heads, x.shape[2] / heads])
  }

  /// (B, heads, L, d) as (B, L, C).
  private mutating func joined(_ x: HLOValue) -> HLOValue {
    w.reshape(w.transpose(x, [0, 2, 1, 3]), [x.shape[0], x.shape[2], x.shape[1] * x.shape[3]])
  }

  /// Scores (B, heads, Lq, Lk), minus infinity where a query does not see a key.
  private mutating func scores(
    _ form: AttentionForm, _ q: HLOValue, _ k: HLOValue, position: HLOValue?
  ) -> HLOValue {
    let scores = w.multiply(product(q, k, batch: ([0, 2], [0, 2]), over: ([3], [3])), Double(form.scale))
    let (queries, keys) = (scores.shape[2], scores.shape[3])
    let visible: HLOValue
    switch form.visibility {
    case .all: return scores
    case .counts(let counts):
      if counts.allSatisfy({ $0 == keys }) { return scores }
      visible = w.constant(counts.map { Int32($0) }, [queries])
    case .fromPosition:
      guard let position else { preconditionFailure("attention: no position") }
      let rows = w.iota(HLOType([queries], .i32), axis: 0)
      visible = w.add(w.add(rows, w.broadcast(position, [queries])), 1)
    }
    let columns = w.iota(HLOType([queries, keys], .i32), axis: 1)
    let sees = w.compare("LT", columns, w.broadcast(visible, [queries, keys], axes: [0]))
    return w.select(
      w.broadcast(sees, scores.shape, axes: [2, 3]), scores, w.constant(-.infinity, like: scores))
  }

  private mutating func attention(_ form: AttentionForm, _ x: [HLOValue], position: HLOValue?) -> [HLOValue] {
    let (q, k, v) = (split(x[0], form.heads), split(x[1], form.heads), split(x[2], form.heads))
    let scores = scores(form, q, k, position: position)
    let logSum = logSumExp(scores)
    let p = w.unary("exponential", w.subtract(scores, w.repeated(logSum, over: [3], like: scores)))
    // (B, heads, Lq, Lk) with (B, Lk, heads, d).
    return [joined(product(p, v, batch: ([0, 1], [0, 2]), over: ([3], [1]))), logSum]
  }

  private mutating func attentionBackward(
    _ form: AttentionForm, _ x: [HLOValue], o: HLOValue, logSum: HLOValue, gradO: HLOValue
  ) -> [HLOValue] {
    let (q, k, v) = (split(x[0], form.heads), split(x[1], form.heads), split(x[2], form.heads))
    let (o, gradO) = (split(kept(o), form.heads), split(gradO, form.heads))
    let scores = scores(form, q, k, position: nil)
    let p = w.unary("exponential", w.subtract(scores, w.repeated(logSum, over: [3], like: scores)))
    let gradP = product(gradO, v, batch: ([0, 2], [0, 2]), over: ([3], [3]))
    // (B, Lq, heads) to (B, heads, Lq).
    let dots = w.transpose(w.sum(w.multiply(o, gradO), axes: [3]), [0, 2, 1])
    let gradS = w.multiply(
      w.multiply(p, w.subtract(gradP, w.repeated(dots, over: [3], like: gradP))), Double(form.scale))
    return [
      joined(product(gradS, k, batch: ([0, 1], [0, 2]), over: ([3], [1]))),
      joined(product(gradS, q, batch: ([0, 1], [0, 2]), over: ([2], [1]))),
      joined(product(p, gradO, batch: ([0, 1], [0, 2]), over: ([2], [1]))),
    ]
  }

  /// Heads (B, L, heads, d) at unit length, and one over their lengths, repeated.
  private mutating func unitHeads(_ x: HLOValue) -> (unit: HLOValue, inverse: HLOValue) {
    let length = w.unary("sqrt", w.sum(w.multiply(x, x), axes: [3]))
    let bounded = w.binary("maximum", length, w.constant(1e-12, like: length))
    let inverse = w.repeated(w.divide(w.constant(1, like: bounded), bounded), over: [3], like: x)
    return (w.multiply(x, inverse), inverse)
  }

  private mutating func normalizeQK(_ x: HLOValue, scale: HLOValue, heads: Int) -> HLOValue {
    let parts = thirds(x)
    let q = unitHeads(split(parts[0], heads)).unit
    let k = unitHeads(split(parts[1], heads)).unit
    let scaled = w.multiply(q, w.broadcast(scale, q.shape, axes: [2]))
    return w.concatenate([w.reshape(scaled, parts[0].shape), w.reshape(k, parts[1].shape), parts[2]], axis: 2)
  }

  private mutating func normalizeQKBackward(_ x: [HLOValue], heads: Int, _ wanted: [Bool]) -> [HLOValue] {
    let qkv = kept(x[0])
    let (parts, gradients) = (thirds(qkv), thirds(x[2]))
    func backward(_ index: Int, _ factor: HLOValue?) -> (gradX: HLOValue, along: HLOValue) {
      let (unit, inverse) = unitHeads(split(parts[index], heads))
      let g = split(gradients[index], heads)
      let along = w.sum(w.multiply(unit, g), axes: [3])
      let across = w.subtract(g, w.multiply(unit, w.repeated(along, over: [3], like: g)))
      let scaled = factor.map { w.multiply(across, w.broadcast($0, across.shape, axes: [2])) } ?? across
      return (w.reshape(w.multiply(scaled, inverse), parts[index].shape), along)
    }
    let (gradQ, along) = backward(0, x[1])
    var results: [HLOValue] = []
    if wanted[0] { results.append(w.concatenate([gradQ, backward(1, nil).gradX, gradients[2]], axis: 2)) }
    if wanted[1] { results.append(w.sum(along, axes: [0, 1])) }
    return results
  }

  /// - Parameter x: qkv, cosine, sine and the table row of the first token.
  private mutating func rotate(_ x: [HLOValue], heads: Int, transposed: Bool) -> HLOValue {
    let (B, L, width) = (x[0].shape[0], x[0].shape[1], x[0].shape[2])
    let half = width / (6 * heads)
    let v = w.slice(x[0], axis: 2, 2 * width / 3..<width)
    let pairs = w.reshape(w.slice(x[0], axis: 2, 0..<2 * width / 3), [B, L, 2 * heads, half, 2])
    func part(_ index: Int) -> HLOValue {
      w.reshape(w.slice(pairs, axis: 4, index..<index + 1), [B, L, 2 * heads, half])
    }
    func table(_ table: HLOValue, _ like: HLOValue) -> HLOValue {
      w.broadcast(w.dynamicSlice(table, axis: 0, at: x[3], extent: L), like.shape, axes: [1, 3])
    }
    let (a, b) = (part(0), part(1))
    let cosine = table(x[1], a)
    let sine = transposed ? w.unary("negate", table(x[2], a)) : table(x[2], a)
    let first = w.subtract(w.multiply(a, cosine), w.multiply(b, sine))
    let second = w.add(w.multiply(b, cosine), w.multiply(a, sine))
    let shape = [B, L, 2 * heads, half, 1]
    let rotated = w.concatenate([w.reshape(first, shape), w.reshape(second, shape)], axis: 4)
    return w.concatenate([w.reshape(rotated, [B, L, 2 * width / 3]), v], axis: 2)
  }
}
