import TensorCore

extension Lowering {
  mutating func run(_ kernel: MovementKernel, _ x: [HLOValue]) -> HLOValue {
    switch kernel {
    case .fill(let type, let value): return w.constant(Double(value), HLOType(type))
    case .reshape(let shape): return w.reshape(x[0], shape.dimensions)
    case .copy, .barrier: return x[0]
    case .broadcast(let shape): return w.broadcast(x[0], shape.dimensions)
    case .permute(let order): return w.transpose(x[0], order)
    case .slice(let axis, let range): return w.slice(x[0], axis: axis, range)
    case .pad(let axis, let before, let after): return w.pad(x[0], axis: axis, low: before, high: after)
    case .concatenate(let axis): return w.concatenate(x, axis: axis)
    case .gatherRows: return gatherRows(x[0], x[1])
    case .scatterAddRows(let count): return scatterAddRows(x[0], x[1], count: count)
    }
  }

  /// Rows of a table (rows, width) by ids of any shape: (ids..., width).
  mutating func gatherRows(_ table: HLOValue, _ ids: HLOValue) -> HLOValue {
    let width = table.shape[1]
    let flat = w.reshape(ids, [ids.type.count])
    let type = table.type.with([ids.type.count, width])
    let rows = w.value(
      "\"stablehlo.gather\"(\(table.name), \(flat.name)) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], "
        + "collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, "
        + "slice_sizes = array<i64: 1, \(width)>}>",
      "(\(table.type.text), \(flat.type.text)) -> \(type.text)", type)
    return w.reshape(rows, ids.shape + [width])
  }

  /// Rows (..., width) added to those of their ids in zeros (count, width).
  mutating func scatterAddRows(_ rows: HLOValue, _ ids: HLOValue, count: Int) -> HLOValue {
    let width = rows.shape[rows.shape.count - 1]
    let (flat, updates) = (w.reshape(ids, [ids.type.count]), w.reshape(rows, [ids.type.count, width]))
    return scatter(into: w.constant(0, rows.type.with([count, width])), flat, updates, "stablehlo.add")
  }

  /// Rows combined with those of a table that their ids name; nil overwrites them.
  mutating func scatter(
    into table: HLOValue, _ ids: HLOValue, _ rows: HLOValue, _ combine: String?
  ) -> HLOValue {
    let scalar = HLOType([], table.type.element).text
    let windows = table.shape.count > 1 ? [1] : []
    let result =
      combine.map { "%s = \($0) %a, %b : \(scalar)\n stablehlo.return %s : \(scalar)" }
      ?? "stablehlo.return %b : \(scalar)"
    return w.value(
      "\"stablehlo.scatter\"(\(table.name), \(ids.name), \(rows.name)) <{indices_are_sorted = false, "
        + "unique_indices = \(combine == nil), scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = \(windows), "
        + "inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({\n"
        + "^bb0(%a: \(scalar), %b: \(scalar)):\n \(result)\n})",
      "(\(table.type.text), \(ids.type.text), \(rows.type.text)) -> \(table.type.text)", table.type)
  }
}
