import TensorCore

/// NumPy's rule, written independently of `Shape.broadcast`.
func broadcastShape(_ a: Shape, _ b: Shape) -> Shape {
  let rank = max(a.rank, b.rank)
  func padded(_ shape: Shape) -> [Int] {
    [Int](repeating: 1, count: rank - shape.rank) + shape.dimensions
  }
  return Shape(zip(padded(a), padded(b)).map { max($0, $1) })
}

/// Where element `index` of `target` comes from in a tensor of shape `source` that is broadcast to it.
func sourceIndex(_ index: Int, of source: Shape, in target: Shape) -> Int {
  var rest = index
  var (result, stride) = (0, 1)
  for axis in (0..<target.rank).reversed() {
    let position = rest % target[axis]
    rest /= target[axis]
    let own = axis - (target.rank - source.rank)
    guard own >= 0 else { continue }
    if source[own] != 1 { result += position * stride }
    stride *= source[own]
  }
  return result
}
