/// Kernels that make, rename and rearrange elements of any type.
public enum MovementKernel: Hashable, Sendable {
  /// No operand: every element equal to a number.
  case fill(ArrayType, Float)
  /// x: the same elements under another shape of equal count.
  case reshape(Shape)
  /// x: a copy.
  case copy
  /// One or more: the same, none of which is there before all operands are. What is computed from the results is another
  /// computation than the same from the operands, which a compiler must not merge.
  case barrier
  /// x: axes of extent 1, and missing leading axes, repeated up to a shape.
  case broadcast(Shape)
  /// x: axis i of the result is axis `order[i]`.
  case permute([Int])
  /// x: the part of an axis within a range.
  case slice(axis: Int, Range<Int>)
  /// x (Float32): zeros before and after along an axis.
  case pad(axis: Int, before: Int, after: Int)
  /// Two or more: side by side along an axis.
  case concatenate(axis: Int)
  /// table (rows, width), ids (...): the table's rows, (..., width).
  case gatherRows
  /// rows (..., width), ids (...): (count, width), each row added to that of its id, in index order; the others zero.
  case scatterAddRows(count: Int)

  func results(of operands: [ArrayType]) -> [ArrayType] {
    switch self {
    case .fill(let type, _): return [type]
    case .reshape(let shape), .broadcast(let shape): return [operands[0].with(shape)]
    case .copy: return [operands[0]]
    case .barrier: return operands
    case .permute(let order): return [operands[0].with(Shape(order.map { operands[0].shape[$0] }))]
    case .slice(let axis, let range):
      return [operands[0].with(operands[0].shape.replacing(axis: axis, with: range.count))]
    case .pad(let axis, let before, let after):
      let shape = operands[0].shape
      return [operands[0].with(shape.replacing(axis: axis, with: before + shape[axis] + after))]
    case .concatenate(let axis):
      let total = operands.reduce(0) { $0 + $1.shape[axis] }
      return [operands[0].with(operands[0].shape.replacing(axis: axis, with: total))]
    case .gatherRows: return [operands[0].with(Shape(operands[1].shape.dimensions + [operands[0].shape.last]))]
    case .scatterAddRows(let count): return [operands[0].with([count, operands[0].shape.last])]
    }
  }
}
