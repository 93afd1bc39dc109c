extension Tensor {
  /// `op(self) op(other)` over the last two axes, where `op` transposes on request.
  ///
  /// Shapes: (..., m, k) times (..., k, n) gives (..., m, n) with equal leading axes; a rank-2 operand is shared by
  /// the whole batch. Backward: `gradA = g B^T`, `gradB = A^T g` (transposes exchanged where an operand was read
  /// transposed); a shared operand sums over the batch.
  public func matmul(_ other: Tensor, transposeSelf: Bool = false, transposeOther: Bool = false) -> Tensor {
    let plan = ProductPlan(shape, other.shape, transposeSelf, transposeOther)
    let y = empty(plan.outputShape)
    backend.matmul(
      plan.operand(storage, shape, plan.aBatched, transposeSelf),
      plan.operand(other.storage, other.shape, plan.bBatched, transposeOther),
      into: MatrixOperand(y.storage, rowStride: plan.n, batchStride: plan.m * plan.n), m: plan.m, n: plan.n,
      k: plan.k, batch: plan.batch)
    let (a, b) = (stopGradient(), other.stopGradient())
    return y.recorded(from: [self, other]) { g, wanted in
      var gradA: Tensor?
      if wanted[0] {
        gradA =
          transposeSelf
          ? b.matmul(g, transposeSelf: transposeOther, transposeOther: true)
          : g.matmul(b, transposeOther: !transposeOther)
      }
      var gradB: Tensor?
      if wanted[1] {
        gradB =
          transposeOther
          ? g.matmul(a, transposeSelf: true, transposeOther: transposeSelf)
          : a.matmul(g, transposeSelf: !transposeSelf)
      }
      return [gradA?.sum(to: a.shape), gradB?.sum(to: b.shape)]
    }
  }

  /// `x W^T + bias`: x (..., inputs), W (outputs, inputs), bias (outputs).
  /// Backward: `gradX = g W`, `gradW = g^T x`, `gradBias` = g summed over rows.
  public func linear(weight: Tensor, bias: Tensor? = nil) -> Tensor {
    let (outputs, inputs) = weight.dims2
    precondition(shape.last == inputs, "linear: input \(shape) for weight \(weight.shape)")
    precondition(bias.map { $0.shape == [outputs] } ?? true, "linear: bias for weight \(weight.shape)")
    let rows = shape.rows
    let y = empty(shape.replacing(axis: -1, with: outputs))
    backend.linear(
      storage, weight: weight.storage, bias: bias?.storage, into: y.storage, rows: rows, inputs: inputs,
      outputs: outputs)
    let (x, w) = (stopGradient(), weight.stopGradient())
    let operands = [self, weight] + (bias.map { [$0] } ?? [])
    return y.recorded(from: operands) { g, wanted in
      let flat = g.reshaped([rows, outputs])
      var gradients: [Tensor?] = [
        wanted[0] ? flat.matmul(w).reshaped(x.shape) : nil,
        wanted[1] ? flat.matmul(x.reshaped([rows, inputs]), transposeSelf: true) : nil,
      ]
      if wanted.count > 2 { gradients.append(wanted[2] ? flat.sum(axis: 0) : nil) }
      return gradients
    }
  }
}

/// Extents of a (batched) product.
private struct ProductPlan {
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

  func operand(_ storage: Storage, _ shape: Shape, _ isBatched: Bool, _ transposed: Bool) -> MatrixOperand {
    MatrixOperand(
      storage, rowStride: shape[-1], batchStride: isBatched ? shape[-1] * shape[-2] : 0,
      transposed: transposed)
  }
}
