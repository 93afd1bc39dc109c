/// The permutations of `numpy.random.RandomState`: KID's subsets and the Inception Score's shuffle are drawn as
/// torch-fidelity draws them, so that both give the same number and not only the same expectation.
///
/// Source: Matsumoto and Nishimura 1998 (MT19937); `numpy/random/mtrand.pyx`, `shuffle`; `_legacy.c`, `random_interval`.
struct NumPyRandom {
  private var state: [UInt32]
  private var position = 624

  /// As `RandomState(seed)`.
  init(seed: UInt32) {
    state = [seed]
    for index in 1..<624 {
      let last = state[index - 1]
      state.append(1_812_433_253 &* (last ^ (last >> 30)) &+ UInt32(index))
    }
  }

  /// As `permutation(count)`: what `choice(count, size, replace=False)` takes its first `size` from.
  mutating func permutation(_ count: Int) -> [Int] {
    var values = Array(0..<count)
    for index in stride(from: count - 1, to: 0, by: -1) { values.swapAt(index, interval(index)) }
    return values
  }

  /// Uniform in 0...limit.
  private mutating func interval(_ limit: Int) -> Int {
    precondition(limit <= UInt32.max, "NumPyRandom: \(limit) is too large")
    var mask = UInt32(limit)
    for shift in [1, 2, 4, 8, 16] { mask |= mask >> UInt32(shift) }
    while true {
      let value = next() & mask
      if value <= limit { return Int(value) }
    }
  }

  private mutating func next() -> UInt32 {
    if position == 624 { twist() }
    var y = state[position]
    position += 1
    y ^= y >> 11
    y ^= (y << 7) & 0x9D2C_5680
    y ^= (y << 15) & 0xEFC6_0000
    return y ^ (y >> 18)
  }

  private mutating func twist() {
    for index in 0..<624 {
      let y = (state[index] & 0x8000_0000) | (state[(index + 1) % 624] & 0x7FFF_FFFF)
      state[index] = state[(index + 397) % 624] ^ (y >> 1) ^ (y & 1 == 1 ? 0x9908_B0DF : 0)
    }
    position = 0
  }
}
