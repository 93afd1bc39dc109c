import TensorCore

extension Lowering {
  mutating func run(_ kernel: ChoiceKernel, _ x: [HLOValue]) -> HLOValue {
    switch kernel {
    case .keepLikely(let topK, let topP, let removed): return keepLikely(x[0], topK, topP, removed)
    case .draw: return draw(x[0], uniform: x[1])
    }
  }

  /// The first token at which the cumulative distribution passes the number, in Double: as many as do not pass it, but
  /// no more than the place of the last one that can be drawn.
  private mutating func draw(_ logP: HLOValue, uniform: HLOValue) -> HLOValue {
    let axis = logP.shape.count - 1
    let p = w.convert(w.unary("exponential", logP), .f64)
    let mass = cumulativeSum(p)
    let target = w.repeated(w.convert(uniform, .f64), over: [axis], like: mass)
    let isBelow = w.compare("LE", mass, target)
    let count = w.sum(w.convert(isBelow, .i32), axes: [axis])
    let ids = w.iota(logP.type.with(.i32), axis: axis)
    let possible = w.select(w.compare("GT", p, w.constant(0, like: p)), ids, w.constant(0, like: ids))
    return w.binary("minimum", count, w.reduce("maximum", possible, axes: [axis], from: 0))
  }

  /// Along the last axis, by doubling distances.
  private mutating func cumulativeSum(_ x: HLOValue) -> HLOValue {
    let axis = x.shape.count - 1
    let extent = x.shape[axis]
    var sum = x
    var distance = 1
    while distance < extent {
      sum = w.add(sum, w.pad(sum, axis: axis, low: distance, high: -distance))
      distance *= 2
    }
    return sum
  }

  private mutating func keepLikely(_ x: HLOValue, _ topK: Int, _ topP: Float, _ removed: Float) -> HLOValue {
    let V = x.shape[x.shape.count - 1]
    let rows = w.reshape(x, [x.type.count / max(V, 1), V])
    let (values, ids) = sortedDescending(rows)
    let gone = w.constant(Double(removed), like: rows)
    var kept = w.constant(1, rows.type.with(.i1))
    if topK > 0, topK < V {
      let least = w.reshape(w.slice(values, axis: 1, topK - 1..<topK), [rows.shape[0]])
      kept = w.compare("GE", values, w.repeated(least, over: [1], like: values))
    }
    if topP < 1 {
      let wide = w.convert(values, .f64)
      let largest = w.repeated(w.reduce("maximum", wide, axes: [1], from: -.infinity), over: [1], like: wide)
      let zero = w.constant(0, like: wide)
      let e = w.select(kept, w.unary("exponential", w.subtract(wide, largest)), zero)
      // What lies before a token, without the token itself: at least the first one always stays.
      let before = w.subtract(cumulativeSum(e), e)
      let limit = w.multiply(w.sumRepeated(e, axes: [1]), Double(topP))
      let isFirst = w.compare(
        "EQ", w.iota(HLOType(rows.shape, .i32), axis: 1), w.constant(0, HLOType(rows.shape, .i32)))
      let isWithin = w.binary("or", w.compare("LT", before, limit), isFirst)
      kept = w.binary("and", kept, isWithin)
    }
    // Back in the order of the ids: sorted by them.
    let back = sorted([ids, w.select(kept, values, gone)]) { _, a, b in
      ("%less = stablehlo.compare LT, \(a[0]), \(b[0]) : (tensor<i32>, tensor<i32>) -> tensor<i1>", "%less")
    }
    return w.reshape(back[1], x.shape)
  }

  /// Values of each row from the largest on, of equal ones the later first, and where they were.
  private mutating func sortedDescending(_ x: HLOValue) -> (values: HLOValue, ids: HLOValue) {
    let ids = w.iota(x.type.with(.i32), axis: 1)
    let results = sorted([x, ids]) { _, a, b in
      (
        """
        %more = stablehlo.compare GT, \(a[0]), \(b[0]) : (tensor<f32>, tensor<f32>) -> tensor<i1>
        %same = stablehlo.compare EQ, \(a[0]), \(b[0]) : (tensor<f32>, tensor<f32>) -> tensor<i1>
        %later = stablehlo.compare GT, \(a[1]), \(b[1]) : (tensor<i32>, tensor<i32>) -> tensor<i1>
        %tie = stablehlo.and %same, %later : tensor<i1>
        %before = stablehlo.or %more, %tie : tensor<i1>
        """, "%before"
      )
    }
    return (results[0], results[1])
  }

  /// Rows of several arrays sorted together by a comparison: lines and the name of what they compute.
  private mutating func sorted(
    _ x: [HLOValue], _ comes: (Int, [String], [String]) -> (lines: String, result: String)
  ) -> [HLOValue] {
    let (a, b) = (x.indices.map { "%a\($0)" }, x.indices.map { "%b\($0)" })
    let (lines, result) = comes(x.count, a, b)
    let arguments = x.indices.flatMap { index in
      [
        "\(a[index]): tensor<\(x[index].type.element.rawValue)>",
        "\(b[index]): tensor<\(x[index].type.element.rawValue)>",
      ]
    }
    let types = x.map(\.type.text).joined(separator: ", ")
    return w.values(
      "\"stablehlo.sort\"(\(x.map(\.name).joined(separator: ", "))) <{dimension = 1 : i64, is_stable = true}> ({\n"
        + "^bb0(\(arguments.joined(separator: ", "))):\n\(lines)\nstablehlo.return \(result) : tensor<i1>\n})",
      "(\(types)) -> (\(types))", x.map(\.type))
  }
}
