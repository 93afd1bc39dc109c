import CShims

extension CPUBackend {
  public func update(_ states: [Storage], by kernel: UpdateKernel, _ operands: [Storage]) {
    switch kernel {
    case .assign: copy(operands[0], to: states[0], count: states[0].count)
    case .overwrite(let axis):
      let start = Int(operands[1].hostIntegers.pointee)
      let (part, whole) = (operands[0].type.shape[axis], states[0].type.shape[axis])
      precondition(start >= 0 && start + part <= whole, "overwrite: \(part) at \(start) of \(whole)")
      place(operands[0], axis: axis, at: start, in: states[0])
    case .adamW(let form): adamW(form, states, operands)
    case .average:
      let count = states.count
      guard operands[count + 1].host.pointee.isFinite else { return }
      let decay = operands[count].host.pointee
      for (average, value) in zip(states, operands) { self.average(average, toward: value, decay: decay) }
    }
  }

  private func adamW(_ form: AdamWForm, _ states: [Storage], _ operands: [Storage]) {
    let count = states.count / 3
    let (norm, scalars) = (operands[count].host.pointee, operands[count + 1].host)
    guard norm.isFinite else { return }
    // PyTorch's clip_grad_norm_ divides by norm + 1e-6.
    let scale = min(1, form.clipNorm / (norm + 1e-6))
    let (learningRate, correction1, correction2) = (scalars[0], scalars[1], scalars[2])
    for index in 0..<count {
      let (p, m, v) = (
        states[index].overwritten, states[count + index].overwritten, states[2 * count + index].overwritten
      )
      let (g, weightDecay) = (operands[index].host, form.weightDecay[index])
      pool.forEachRange(states[index].count, grain: Self.grain) { range in
        let start = range.lowerBound
        dd2_adamw(
          p + start, g + start, m + start, v + start, range.count, learningRate, form.beta1, form.beta2, form.epsilon,
          weightDecay, scale, correction1, correction2)
      }
    }
  }

  private func average(_ average: Storage, toward value: Storage, decay: Float) {
    let (to, value) = (average.overwritten, value.host)
    pool.forEachRange(average.count, grain: Self.grain) { range in
      dd2_exponential_average(to + range.lowerBound, value + range.lowerBound, decay, range.count)
    }
  }
}
