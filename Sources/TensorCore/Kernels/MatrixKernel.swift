/// Matrix products.
public enum MatrixKernel: Hashable, Sendable {
  /// a, b: `op(a) op(b)` over the last two axes, where `op` transposes on request. (..., m, k) times (..., k, n) with
  /// equal leading axes; an operand of rank 2 is shared by the whole batch. An exact one is no network's: it stays in
  /// float32 where a backend multiplies in less.
  case matmul(transposeA: Bool, transposeB: Bool, isExact: Bool)
  /// x (..., inputs), weight (outputs, inputs) and, or not, bias (outputs): `x W^T + bias`.
  case linear

  func results(of operands: [ArrayType]) -> [ArrayType] {
    let (a, b) = (operands[0].shape, operands[1].shape)
    switch self {
    case .matmul(let transposeA, let transposeB, _):
      return [ArrayType(ProductPlan(a, b, transposeA, transposeB).outputShape)]
    case .linear: return [ArrayType(a.replacing(axis: -1, with: b[0]))]
    }
  }
}

/// Extents of a (batched) product.
struct ProductPlan {
  let m: Int
  let n: Int
  let k: Int
  let batch: Int
  let aBatched: Bool
  let bBatched: Bool
  let outputShape: Shape

  init(_ a: Shape, _ b: Shape, _ transposeA: Bool, _ transposeB: Bool) {
    precondition(a.rank >= 2 && b.rank >= 2, "matmul: shapes \(a) and \(b)")
    m = transposeA ? a[-1] : a[-2]
    k = transposeA ? a[-2] : a[-1]
    n = transposeB ? b[-2] : b[-1]
    let inner = transposeB ? b[-1] : b[-2]
    precondition(inner == k, "matmul: inner extents \(k) and \(inner) of shapes \(a) and \(b)")
    aBatched = a.rank > 2
    bBatched = b.rank > 2
    let leadingA = Array(a.dimensions.dropLast(2))
    let leadingB = Array(b.dimensions.dropLast(2))
    precondition(
      !aBatched || !bBatched || leadingA == leadingB, "matmul: batch axes of shapes \(a) and \(b)")
    let leading = aBatched ? leadingA : leadingB
    batch = leading.reduce(1, *)
    outputShape = Shape(leading + [m, n])
  }
}
