extension Tensor {
  /// `op(self) op(other)` over the last two axes, where `op` transposes on request.
  ///
  /// Shapes: (..., m, k) times (..., k, n) gives (..., m, n) with equal leading axes; a rank-2 operand is shared by
  /// the whole batch. Backward: `gradA = g B^T`, `gradB = A^T g` (transposes exchanged where an operand was read
  /// transposed); a shared operand sums over the batch.
  /// - Parameter isExact: float32, forward and backward, whatever precision the device multiplies in.
  public func matmul(
    _ other: Tensor, transposeSelf: Bool = false, transposeOther: Bool = false, isExact: Bool = false
  ) -> Tensor {
    let kernel = MatrixKernel.matmul(transposeA: transposeSelf, transposeB: transposeOther, isExact: isExact)
    let y = Tensor(run(.matrix(kernel), storage, other.storage))
    let (a, b) = (stopGradient(), other.stopGradient())
    return y.recorded(from: [self, other]) { g, wanted in
      var gradA: Tensor?
      if wanted[0] {
        gradA =
          transposeSelf
          ? b.matmul(g, transposeSelf: transposeOther, transposeOther: true, isExact: isExact)
          : g.matmul(b, transposeOther: !transposeOther, isExact: isExact)
      }
      var gradB: Tensor?
      if wanted[1] {
        gradB =
          transposeOther
          ? g.matmul(a, transposeSelf: true, transposeOther: transposeSelf, isExact: isExact)
          : a.matmul(g, transposeSelf: !transposeSelf, isExact: isExact)
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
    let operands = [self, weight] + (bias.map { [$0] } ?? [])
    let y = Tensor(run(.matrix(.linear), operands.map(\.storage))[0])
    let (x, w) = (stopGradient(), weight.stopGradient())
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
