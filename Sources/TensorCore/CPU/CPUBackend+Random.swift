import CShims

extension CPUBackend {
  func run(_ kernel: RandomKernel, _ x: [Storage], into y: Storage) {
    switch kernel {
    case .draw(let distribution, let key, let shape):
      let step = Self.number(x[0], 0)
      let rows = x.count > 1 ? x[1] : nil
      let width = shape.count / max(shape[0], 1)
      let (numbers, integers) = (y.host, y.hostIntegers)
      pool.forEachRange(shape[0], grain: max(1, 1024 / max(width, 1))) { range in
        for row in range {
          var stream = RandomStream(key: key, step: step, index: rows.map { Self.number($0, row) } ?? row)
          let columns = row * width..<(row + 1) * width
          switch distribution {
          case .normal: for i in columns { numbers[i] = stream.normal() }
          case .uniform(let low, let high): for i in columns { numbers[i] = stream.uniform(low, high) }
          case .integers(let bound): for i in columns { integers[i] = Int32(stream.integer(below: bound)) }
          }
        }
      }
    }
  }

  /// Number `index` of an array of numbers in two words.
  private static func number(_ storage: Storage, _ index: Int) -> Int {
    let words = storage.hostIntegers + 2 * index
    return Int(UInt32(bitPattern: words[0])) | Int(UInt32(bitPattern: words[1])) << 32
  }

  func run(_ kernel: ChoiceKernel, _ x: [Storage], into y: Storage) {
    let (rows, width, from) = (x[0].type.shape.rows, x[0].type.shape.last, x[0].host)
    switch kernel {
    case .keepLikely(let topK, let topP, let removed):
      let to = y.host
      pool.forEachRange(rows, grain: max(1, 1024 / max(width, 1))) { range in
        let order = scratch(width)
        for row in range {
          dd2_keep_likely(
            from + row * width, to + row * width, order.hostIntegers, width, topK, topP, removed)
        }
        withExtendedLifetime(order) {}
      }
    case .draw:
      let (uniform, to) = (x[1].host, y.hostIntegers)
      pool.forEachRange(rows, grain: max(1, Self.grain / max(width, 1))) { range in
        for row in range { to[row] = dd2_draw(from + row * width, uniform[row], width) }
      }
    }
  }
}
