import TensorCore

extension Lowering {
  mutating func run(_ kernel: MatrixKernel, _ x: [HLOValue]) -> HLOValue {
    switch kernel {
    case .matmul(let transposeA, let transposeB): return matmul(x[0], x[1], transposeA, transposeB)
    case .linear:
      let last = x[0].shape.count - 1
      let y = w.dot(x[0], x[1], over: ([last], [1]))
      return x.count > 2 ? w.add(y, w.broadcast(x[2], y.shape)) : y
    }
  }

  private mutating func matmul(_ a: HLOValue, _ b: HLOValue, _ transposeA: Bool, _ transposeB: Bool) -> HLOValue {
    let (rankA, rankB) = (a.shape.count, b.shape.count)
    let (innerA, innerB) = (rankA - (transposeA ? 2 : 1), rankB - (transposeB ? 1 : 2))
    if rankA > 2, rankB > 2 {
      let axes = Array(0..<(rankA - 2))
      return w.dot(a, b, batch: (axes, axes), over: ([innerA], [innerB]))
    }
    let y = w.dot(a, b, over: ([innerA], [innerB]))
    guard rankB > 2 else { return y }
    // (m) then (batch..., n): the shared operand's axis belongs before the last one.
    return w.transpose(y, Array(1..<(rankB - 1)) + [0, rankB - 1])
  }
}
