import TensorCore

extension Lowering {
  /// Writes an update.
  /// - Returns: the new values of the states.
  mutating func run(_ kernel: UpdateKernel, _ states: [HLOValue], _ x: [HLOValue]) -> [HLOValue] {
    switch kernel {
    case .assign: return [x[0]]
    case .overwrite(let axis): return [w.dynamicUpdate(states[0], x[0], axis: axis, at: x[1])]
    case .adamW(let form): return adamW(form, states, x)
    case .average:
      let count = states.count
      let isGood = isFinite(x[count + 1])
      return states.indices.map { index in
        let decay = w.broadcast(x[count], states[index].shape, axes: [])
        let rest = w.subtract(w.constant(1, like: decay), decay)
        let moved = w.add(w.multiply(decay, states[index]), w.multiply(rest, x[index]))
        return w.select(w.broadcast(isGood, moved.shape, axes: []), moved, states[index])
      }
    }
  }

  private mutating func isFinite(_ x: HLOValue) -> HLOValue {
    let type = x.type.with(.i1)
    return w.value("stablehlo.is_finite \(x.name)", "(\(x.type.text)) -> \(type.text)", type)
  }

  private mutating func adamW(_ form: AdamWForm, _ states: [HLOValue], _ x: [HLOValue]) -> [HLOValue] {
    let count = states.count / 3
    let (norm, scalars) = (x[count], x[count + 1])
    func scalar(_ index: Int) -> HLOValue { w.reshape(w.slice(scalars, axis: 0, index..<index + 1), []) }
    let (rate, correction1, correction2) = (scalar(0), scalar(1), scalar(2))
    let isGood = isFinite(norm)
    let limit = w.divide(w.constant(Double(form.clipNorm), like: norm), w.add(norm, Double(Float(1e-6))))
    let scale = w.binary("minimum", limit, w.constant(1, like: limit))
    let (stepSize, root2) = (w.divide(rate, correction1), w.unary("sqrt", correction2))
    var updated: [[HLOValue]] = [[], [], []]
    for index in 0..<count {
      let (p, m, v) = (states[index], states[count + index], states[2 * count + index])
      func all(_ x: HLOValue) -> HLOValue { w.broadcast(x, p.shape, axes: []) }
      let g = w.multiply(x[index], all(scale))
      let newM = w.add(w.multiply(m, Double(form.beta1)), w.multiply(g, Double(1 - form.beta1)))
      let newV = w.add(w.multiply(v, Double(form.beta2)), w.multiply(w.multiply(g, Double(1 - form.beta2)), g))
      let denominator = w.add(w.divide(w.unary("sqrt", newV), all(root2)), Double(form.epsilon))
      let keep = w.subtract(
        w.constant(1, like: rate), w.multiply(rate, Double(form.weightDecay[index])))
      let newP = w.subtract(w.multiply(p, all(keep)), w.divide(w.multiply(newM, all(stepSize)), denominator))
      for (slot, (new, old)) in [(newP, p), (newM, m), (newV, v)].enumerated() {
        updated[slot].append(w.select(all(isGood), new, old))
      }
    }
    return updated.flatMap { $0 }
  }
}
