import TensorCore

/// Philox-4x32-10 on unsigned integers, bit for bit what `RandomStream` draws.
extension Lowering {
  mutating func run(_ kernel: RandomKernel, _ x: [HLOValue]) -> HLOValue {
    switch kernel {
    case .draw(let distribution, let key, let shape):
      let rows = shape[0]
      let width = rows == 0 ? 0 : shape.count / rows
      // Normals come in pairs.
      let count = distribution == .normal ? (width + 1) / 2 * 2 : width
      let bits = words(key, step: x[0], samples: x.count > 1 ? x[1] : nil, rows: rows, width: count)
      switch distribution {
      case .uniform(let low, let high):
        let scaled = w.multiply(unit(bits), w.constant(Double(high - low), HLOType(bits.shape)))
        return w.reshape(w.add(scaled, Double(low)), shape.dimensions)
      case .integers(let bound):
        let product = w.multiply(w.convert(bits, .ui64), w.constant(Double(bound), bits.type.with(.ui64)))
        return w.reshape(w.convert(shifted(product, 32), .i32), shape.dimensions)
      case .normal: return w.reshape(normal(bits, width: width), shape.dimensions)
      }
    }
  }

  /// The first `width` words of each row's stream: (rows, width), ui32.
  private mutating func words(
    _ key: RandomKey, step: HLOValue, samples: HLOValue?, rows: Int, width: Int
  ) -> HLOValue {
    let blocks = (width + 3) / 4
    let type = HLOType([rows, blocks], .ui32)
    func word(_ numbers: HLOValue, _ index: Int) -> HLOValue {
      let axis = numbers.shape.count - 1
      let part = w.slice(numbers, axis: axis, index..<index + 1)
      return w.bits(w.reshape(part, Array(numbers.shape.dropLast())), as: .ui32)
    }
    let stepLow = w.broadcast(word(step, 0), type.shape, axes: [])
    let stepHigh = w.broadcast(word(step, 1), type.shape, axes: [])
    let index: HLOValue
    var high = w.binary("and", stepHigh, w.constant(0xffff, type))
    if let samples {
      index = w.broadcast(word(samples, 0), type.shape, axes: [0])
      let upper = w.broadcast(word(samples, 1), type.shape, axes: [0])
      high = w.binary("or", w.binary("shift_left", upper, w.constant(16, type)), high)
    } else {
      index = w.iota(type, axis: 0)
    }
    let drawn = philox([w.iota(type, axis: 1), index, stepLow, high], key)
    let parts = drawn.map { w.reshape($0, [rows, blocks, 1]) }
    let all = w.reshape(w.concatenate(parts, axis: 2), [rows, blocks * 4])
    return w.slice(all, axis: 1, 0..<width)
  }

  /// A loop over the rounds: written out, they are most of a program, and of the time that its compilation takes.
  private mutating func philox(_ counter: [HLOValue], _ key: RandomKey) -> [HLOValue] {
    let scalar = HLOType([], .ui32)
    let keys = [key.words.0, key.words.1].map { w.constant(Double($0), scalar) }
    let round = w.constant(0, scalar)
    let end = w.constant(10, scalar)
    let results = w.loop([round] + keys + counter) { w, at in
      w.compare("LT", at[0], end)
    } body: { w, at in
      let (k, c) = (Array(at[1...2]), Array(at[3...6]))
      let (high0, low0) = Self.product(&w, c[0], 0xd251_1f53)
      let (high1, low1) = Self.product(&w, c[2], 0xcd9e_8d57)
      func mixed(_ w: inout HLOWriter, _ a: HLOValue, _ b: HLOValue, _ key: HLOValue) -> HLOValue {
        w.binary("xor", w.binary("xor", a, b), w.broadcast(key, a.shape, axes: []))
      }
      return [
        w.add(at[0], 1), w.add(k[0], 0x9e37_79b9), w.add(k[1], 0xbb67_ae85), mixed(&w, high1, c[1], k[0]), low1,
        mixed(&w, high0, c[3], k[1]), low0,
      ]
    }
    return Array(results[3...6])
  }

  /// High and low word of a product.
  private static func product(
    _ w: inout HLOWriter, _ x: HLOValue, _ factor: UInt32
  ) -> (high: HLOValue, low: HLOValue) {
    let wide = w.multiply(w.convert(x, .ui64), w.constant(Double(factor), x.type.with(.ui64)))
    let upper = w.binary("shift_right_logical", wide, w.constant(32, like: wide))
    return (w.convert(upper, .ui32), w.convert(wide, .ui32))
  }

  private mutating func shifted(_ x: HLOValue, _ count: Int) -> HLOValue {
    w.binary("shift_right_logical", x, w.constant(Double(count), like: x))
  }

  /// 24 bits as a number in [0, 1).
  private mutating func unit(_ bits: HLOValue) -> HLOValue {
    w.multiply(w.convert(shifted(bits, 8), .f32), 0x1p-24)
  }

  /// Box-Muller: words 2 j and 2 j + 1 give normals 2 j and 2 j + 1.
  private mutating func normal(_ bits: HLOValue, width: Int) -> HLOValue {
    let (rows, pairs) = (bits.shape[0], bits.shape[1] / 2)
    let paired = w.reshape(bits, [rows, pairs, 2])
    func half(_ index: Int) -> HLOValue { w.reshape(w.slice(paired, axis: 2, index..<index + 1), [rows, pairs]) }
    let first = w.add(w.convert(shifted(half(0), 8), .f32), 1)
    let radius = w.unary("sqrt", w.multiply(w.unary("log", w.multiply(first, 0x1p-24)), -2))
    let angle = w.multiply(unit(half(1)), Double(2 * Float.pi))
    let normals = [w.unary("cosine", angle), w.unary("sine", angle)].map { w.multiply(radius, $0) }
    let joined = w.reshape(
      w.concatenate(normals.map { w.reshape($0, [rows, pairs, 1]) }, axis: 2), [rows, 2 * pairs])
    return w.slice(joined, axis: 1, 0..<width)
  }
}
