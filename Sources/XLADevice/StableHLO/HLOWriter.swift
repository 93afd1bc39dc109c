import Foundation

/// Whether a device may drop digits of a product's factors.
enum ProductDigits: String {
  case all = "HIGHEST"
  case asTheDeviceLikes = "DEFAULT"
}

/// Writes the body of a StableHLO function, an operation a line, in the text form that PJRT plugins accept.
struct HLOWriter {
  private(set) var lines: [String] = []
  private var count = 0

  // MARK: Writing

  private mutating func newName() -> String {
    count += 1
    return "%v\(count)"
  }

  /// An operation of one result: `name = text : signature`.
  mutating func value(_ text: String, _ signature: String, _ type: HLOType) -> HLOValue {
    let name = newName()
    lines.append("\(name) = \(text) : \(signature)")
    return HLOValue(name: name, type: type)
  }

  /// An operation of several results.
  mutating func values(_ text: String, _ signature: String, _ types: [HLOType]) -> [HLOValue] {
    let name = newName()
    lines.append("\(name):\(types.count) = \(text) : \(signature)")
    return types.enumerated().map { HLOValue(name: "\(name)#\($0.offset)", type: $0.element) }
  }

  private func mapping(_ operands: [HLOValue], to type: HLOType) -> String {
    "(" + operands.map(\.type.text).joined(separator: ", ") + ") -> " + type.text
  }

  // MARK: Constants

  /// The bits of a number, so that infinities and the last digit survive.
  static func literal(_ value: Double, _ element: HLOElement) -> String {
    switch element {
    case .f32: String(format: "0x%08X", Float(value).bitPattern)
    case .f64: String(format: "0x%016lX", value.bitPattern)
    case .bf16: preconditionFailure("literal: \(value) in bfloat16, which only factors of products are in")
    case .i1: value == 0 ? "false" : "true"
    case .i32, .ui32, .ui64: String(Int(value))
    }
  }

  /// Every element equal.
  mutating func constant(_ value: Double, _ type: HLOType) -> HLOValue {
    self.value("stablehlo.constant dense<\(Self.literal(value, type.element))>", type.text, type)
  }

  mutating func constant(_ value: Double, like x: HLOValue) -> HLOValue { constant(value, x.type) }

  /// Float32 elements one by one.
  mutating func constant(_ values: [Float], _ shape: [Int]) -> HLOValue {
    constant(words: values.map(\.bitPattern), HLOType(shape))
  }

  /// Int32 elements one by one.
  mutating func constant(_ values: [Int32], _ shape: [Int]) -> HLOValue {
    constant(words: values.map { UInt32(bitPattern: $0) }, HLOType(shape, .i32))
  }

  /// Elements by their bits, in the order of bytes in memory.
  private mutating func constant(words: [UInt32], _ type: HLOType) -> HLOValue {
    let bytes = words.map { String(format: "%08X", $0.byteSwapped) }
    // A string of one element would stand for as many as the type has.
    let text =
      words.count == 1
      ? Self.literal(
        type.element == .f32 ? Double(Float(bitPattern: words[0])) : Double(Int32(bitPattern: words[0])), type.element)
      : "\"0x\(bytes.joined())\""
    return value("stablehlo.constant dense<\(text)>", type.text, type)
  }

  /// 0, 1, ... along an axis.
  mutating func iota(_ type: HLOType, axis: Int) -> HLOValue {
    value("stablehlo.iota dim = \(axis)", type.text, type)
  }

  // MARK: Elementwise

  mutating func unary(_ name: String, _ x: HLOValue) -> HLOValue {
    value("stablehlo.\(name) \(x.name)", x.type.text, x.type)
  }

  mutating func binary(_ name: String, _ a: HLOValue, _ b: HLOValue) -> HLOValue {
    precondition(a.type == b.type, "\(name): \(a.type.text) and \(b.type.text)")
    return value("stablehlo.\(name) \(a.name), \(b.name)", a.type.text, a.type)
  }

  mutating func add(_ a: HLOValue, _ b: HLOValue) -> HLOValue { binary("add", a, b) }
  mutating func subtract(_ a: HLOValue, _ b: HLOValue) -> HLOValue { binary("subtract", a, b) }
  mutating func multiply(_ a: HLOValue, _ b: HLOValue) -> HLOValue { binary("multiply", a, b) }
  mutating func divide(_ a: HLOValue, _ b: HLOValue) -> HLOValue { binary("divide", a, b) }

  mutating func add(_ a: HLOValue, _ s: Double) -> HLOValue { add(a, constant(s, like: a)) }
  mutating func multiply(_ a: HLOValue, _ s: Double) -> HLOValue { multiply(a, constant(s, like: a)) }

  /// `direction` is EQ, NE, LT, LE, GT or GE.
  mutating func compare(_ direction: String, _ a: HLOValue, _ b: HLOValue) -> HLOValue {
    precondition(a.type == b.type, "compare: \(a.type.text) and \(b.type.text)")
    let type = a.type.with(.i1)
    return value("stablehlo.compare \(direction), \(a.name), \(b.name)", mapping([a, b], to: type), type)
  }

  /// a where the condition holds, else b.
  mutating func select(_ condition: HLOValue, _ a: HLOValue, _ b: HLOValue) -> HLOValue {
    precondition(
      a.type == b.type && condition.shape == a.shape, "select: \(condition.type.text), \(a.type.text), \(b.type.text)")
    return value(
      "stablehlo.select \(condition.name), \(a.name), \(b.name)", "\(condition.type.text), \(a.type.text)", a.type)
  }

  mutating func convert(_ x: HLOValue, _ element: HLOElement) -> HLOValue {
    if x.type.element == element { return x }
    let type = x.type.with(element)
    return value("stablehlo.convert \(x.name)", mapping([x], to: type), type)
  }

  /// The same bits as elements of another type of equal size.
  mutating func bits(_ x: HLOValue, as element: HLOElement) -> HLOValue {
    let type = x.type.with(element)
    return value("stablehlo.bitcast_convert \(x.name)", mapping([x], to: type), type)
  }

  /// The same elements, which the compiler takes for others: what is computed from them is computed where it is written,
  /// and not before all of them are there.
  mutating func barrier(_ x: [HLOValue]) -> [HLOValue] {
    values(
      "stablehlo.optimization_barrier \(x.map(\.name).joined(separator: ", "))",
      x.map(\.type.text).joined(separator: ", "), x.map(\.type))
  }

  // MARK: Shapes

  mutating func reshape(_ x: HLOValue, _ shape: [Int]) -> HLOValue {
    if x.shape == shape { return x }
    let type = x.type.with(shape)
    precondition(type.count == x.type.count, "reshape: \(x.type.text) to \(shape)")
    return value("stablehlo.reshape \(x.name)", mapping([x], to: type), type)
  }

  /// Axis i of x becomes axis `axes[i]` of the shape; extents of 1 and new axes are repeated.
  mutating func broadcast(_ x: HLOValue, _ shape: [Int], axes: [Int]) -> HLOValue {
    let type = x.type.with(shape)
    if x.shape == shape, axes == Array(shape.indices) { return x }
    return value("stablehlo.broadcast_in_dim \(x.name), dims = \(axes)", mapping([x], to: type), type)
  }

  /// By NumPy's rule.
  mutating func broadcast(_ x: HLOValue, _ shape: [Int]) -> HLOValue {
    broadcast(x, shape, axes: x.shape.indices.map { $0 + shape.count - x.shape.count })
  }

  mutating func transpose(_ x: HLOValue, _ order: [Int]) -> HLOValue {
    if order == Array(x.shape.indices) { return x }
    let type = x.type.with(order.map { x.shape[$0] })
    return value("stablehlo.transpose \(x.name), dims = \(order)", mapping([x], to: type), type)
  }

  mutating func slice(_ x: HLOValue, axis: Int, _ range: Range<Int>) -> HLOValue {
    var shape = x.shape
    shape[axis] = range.count
    let type = x.type.with(shape)
    let ranges = x.shape.indices.map { $0 == axis ? "\(range.lowerBound):\(range.upperBound)" : "0:\(x.shape[$0])" }
    return value("stablehlo.slice \(x.name) [\(ranges.joined(separator: ", "))]", mapping([x], to: type), type)
  }

  mutating func concatenate(_ parts: [HLOValue], axis: Int) -> HLOValue {
    if parts.count == 1 { return parts[0] }
    var shape = parts[0].shape
    shape[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
    let type = parts[0].type.with(shape)
    return value(
      "stablehlo.concatenate \(parts.map(\.name).joined(separator: ", ")), dim = \(axis)", mapping(parts, to: type),
      type)
  }

  /// Zeros around an axis, or less of it where a number is negative.
  mutating func pad(_ x: HLOValue, axis: Int, low: Int, high: Int) -> HLOValue {
    var shape = x.shape
    shape[axis] += low + high
    let type = x.type.with(shape)
    let zero = constant(0, HLOType([], x.type.element))
    func list(_ value: Int) -> [Int] { x.shape.indices.map { $0 == axis ? value : 0 } }
    return value(
      "stablehlo.pad \(x.name), \(zero.name), low = \(list(low)), high = \(list(high)), interior = \(list(0))",
      mapping([x, zero], to: type), type)
  }

  /// The part of x that begins at a position along an axis.
  mutating func dynamicSlice(_ x: HLOValue, axis: Int, at position: HLOValue, extent: Int) -> HLOValue {
    var shape = x.shape
    shape[axis] = extent
    let type = x.type.with(shape)
    let starts = starts(x.shape, axis: axis, position)
    return value(
      "stablehlo.dynamic_slice \(([x] + starts).map(\.name).joined(separator: ", ")), sizes = \(shape)",
      mapping([x] + starts, to: type), type)
  }

  /// x with `part` from a position of an axis on.
  mutating func dynamicUpdate(_ x: HLOValue, _ part: HLOValue, axis: Int, at position: HLOValue) -> HLOValue {
    let operands = [x, part] + starts(x.shape, axis: axis, position)
    return value(
      "stablehlo.dynamic_update_slice \(operands.map(\.name).joined(separator: ", "))", mapping(operands, to: x.type),
      x.type)
  }

  private mutating func starts(_ shape: [Int], axis: Int, _ position: HLOValue) -> [HLOValue] {
    let zero = constant(0, HLOType([], position.type.element))
    return shape.indices.map { $0 == axis ? position : zero }
  }

  /// Repeats `body` on some values while `condition`, a scalar, holds.
  mutating func loop(
    _ initial: [HLOValue], while condition: (inout HLOWriter, [HLOValue]) -> HLOValue,
    body: (inout HLOWriter, [HLOValue]) -> [HLOValue]
  ) -> [HLOValue] {
    let name = newName()
    let at = initial.enumerated().map { HLOValue(name: "\(name)_\($0.offset)", type: $0.element.type) }
    let types = initial.map(\.type.text).joined(separator: ", ")
    let start = zip(at, initial).map { "\($0.name) = \($1.name)" }.joined(separator: ", ")
    lines.append("\(name):\(initial.count) = stablehlo.while(\(start)) : \(types) cond {")
    let goesOn = condition(&self, at)
    lines.append("stablehlo.return \(goesOn.name) : \(goesOn.type.text)\n} do {")
    let next = body(&self, at)
    lines.append("stablehlo.return \(next.map(\.name).joined(separator: ", ")) : \(types)\n}")
    return initial.enumerated().map { HLOValue(name: "\(name)#\($0.offset)", type: $0.element.type) }
  }

  // MARK: Reductions and products

  /// Reduces axes, which are dropped; `name` is add, maximum, minimum or and.
  mutating func reduce(_ name: String, _ x: HLOValue, axes: [Int], from start: Double) -> HLOValue {
    let type = x.type.with(x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] })
    let initial = constant(start, HLOType([], x.type.element))
    return value(
      "stablehlo.reduce(\(x.name) init: \(initial.name)) applies stablehlo.\(name) across dimensions = \(axes)",
      mapping([x, initial], to: type), type)
  }

  mutating func sum(_ x: HLOValue, axes: [Int]) -> HLOValue { reduce("add", x, axes: axes, from: 0) }

  /// As `sum`, the axes kept with extent 1 and repeated to x's shape again.
  mutating func sumRepeated(_ x: HLOValue, axes: [Int]) -> HLOValue {
    repeated(sum(x, axes: axes), over: axes, like: x)
  }

  /// What a reduction over axes of `x` gave, at every place that it was taken from.
  mutating func repeated(_ reduced: HLOValue, over axes: [Int], like x: HLOValue) -> HLOValue {
    broadcast(reduced, x.shape, axes: x.shape.indices.filter { !axes.contains($0) })
  }

  /// A product over pairs of axes: batch axes first in the result, which is float32, then a's others, then b's.
  mutating func dot(
    _ a: HLOValue, _ b: HLOValue, batch: ([Int], [Int]) = ([], []), over axes: ([Int], [Int]),
    _ digits: ProductDigits = .all
  ) -> HLOValue {
    precondition(a.type.element == b.type.element, "dot: \(a.type.text) and \(b.type.text)")
    func rest(_ x: HLOValue, _ used: [Int]) -> [Int] {
      x.shape.indices.filter { !used.contains($0) }.map { x.shape[$0] }
    }
    let shape =
      batch.0.map { a.shape[$0] } + rest(a, batch.0 + axes.0) + rest(b, batch.1 + axes.1)
    let type = HLOType(shape)
    let batching = batch.0.isEmpty ? "" : "batching_dims = \(batch.0) x \(batch.1), "
    return value(
      "stablehlo.dot_general \(a.name), \(b.name), \(batching)contracting_dims = \(axes.0) x \(axes.1), "
        + "precision = [\(digits.rawValue), \(digits.rawValue)]", mapping([a, b], to: type), type)
  }

  /// Each array's sum over all replicas, of which there are so many; the arrays travel together.
  mutating func sumOverReplicas(_ x: [HLOValue], count: Int) -> [HLOValue] {
    if count == 1 { return x }
    let types = x.map(\.type.text).joined(separator: ", ")
    let groups = "dense<[[\((0..<count).map(String.init).joined(separator: ", "))]]> : tensor<1x\(count)xi64>"
    return values(
      "\"stablehlo.all_reduce\"(\(x.map(\.name).joined(separator: ", "))) <{replica_groups = \(groups)}> ({\n"
        + "^bb0(%a: tensor<f32>, %b: tensor<f32>):\n%sum = stablehlo.add %a, %b : tensor<f32>\n"
        + "stablehlo.return %sum : tensor<f32>\n})",
      "(\(types)) -> (\(types))", x.map(\.type))
  }
}
