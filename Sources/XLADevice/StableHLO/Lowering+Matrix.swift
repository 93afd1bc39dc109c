import TensorCore

extension Lowering {
  mutating func run(_ kernel: MatrixKernel, _ x: [HLOValue]) -> HLOValue {
    switch kernel {
    case .matmul(let transposeA, let transposeB, let isExact):
      return matmul(x[0], x[1], transposeA, transposeB, isExact: isExact)
    case .linear:
      let last = x[0].shape.count - 1
      let y = product(x[0], x[1], over: ([last], [1]))
      return x.count > 2 ? w.add(y, w.broadcast(x[2], y.shape)) : y
    }
  }

  private mutating func matmul(
    _ a: HLOValue, _ b: HLOValue, _ transposeA: Bool, _ transposeB: Bool, isExact: Bool
  ) -> HLOValue {
    func dot(batch: [Int], over axes: ([Int], [Int])) -> HLOValue {
      isExact
        ? w.dot(a, b, batch: (batch, batch), over: axes) : product(a, b, batch: (batch, batch), over: axes)
    }
    let (rankA, rankB) = (a.shape.count, b.shape.count)
    let (innerA, innerB) = (rankA - (transposeA ? 2 : 1), rankB - (transposeB ? 1 : 2))
    if rankA > 2, rankB > 2 {
      return dot(batch: Array(0..<(rankA - 2)), over: ([innerA], [innerB]))
    }
    let y = dot(batch: [], over: ([innerA], [innerB]))
    guard rankB > 2 else { return y }
    // (m) then (batch..., n): the shared operand's axis belongs before the last one.
    return w.transpose(y, Array(1..<(rankB - 1)) + [0, rankB - 1])
  }
}
