import CShims

/// One matrix operand of a product: how far its rows are apart, and whether it is read transposed.
private struct MatrixOperand {
  let pointer: UnsafeMutablePointer<Float>
  let rowStride: Int
  /// Distance between the matrices of a batch; 0 uses the same one throughout.
  let batchStride: Int
  let isTransposed: Bool

  init(_ storage: Storage, isBatched: Bool, transposed: Bool = false) {
    let shape = storage.type.shape
    pointer = storage.host
    rowStride = shape[-1]
    batchStride = isBatched ? shape[-1] * shape[-2] : 0
    isTransposed = transposed
  }
}

extension CPUBackend {
  func run(_ kernel: MatrixKernel, _ x: [Storage], into y: Storage) {
    switch kernel {
    case .matmul(let transposeA, let transposeB, _):
      let plan = ProductPlan(x[0].type.shape, x[1].type.shape, transposeA, transposeB)
      matmul(
        MatrixOperand(x[0], isBatched: plan.aBatched, transposed: transposeA),
        MatrixOperand(x[1], isBatched: plan.bBatched, transposed: transposeB), into: MatrixOperand(y, isBatched: true),
        m: plan.m, n: plan.n, k: plan.k, batch: plan.batch)
    case .linear:
      let weight = x[1].type.shape
      linear(
        x[0], weight: x[1], bias: x.count > 2 ? x[2] : nil, into: y, rows: x[0].type.shape.rows, inputs: weight[1],
        outputs: weight[0])
    }
  }

  private func matmul(
    _ a: MatrixOperand, _ b: MatrixOperand, into c: MatrixOperand, m: Int, n: Int, k: Int, batch: Int
  ) {
    guard m > 0, n > 0, batch > 0 else { return }
    let product = Product(a: a, b: b, c: c, k: k)
    if batch >= pool.threadCount || m * n * k < 32_768 {
      let grain = max(1, 262_144 / max(1, m * n * k))
      pool.forEachRange(batch, grain: grain) { range in
        for index in range { product.run(batch: index, rows: 0..<m, columns: 0..<n) }
      }
      return
    }
    for index in 0..<batch {
      if m >= n {
        pool.forEachRange(m, grain: 8) { product.run(batch: index, rows: $0, columns: 0..<n) }
      } else {
        pool.forEachRange(n, grain: 8) { product.run(batch: index, rows: 0..<m, columns: $0) }
      }
    }
  }

  private static let leastLinearRows = 256
  private static let linearBlock = 131_072

  private func linear(
    _ x: Storage, weight: Storage, bias: Storage?, into y: Storage, rows: Int, inputs: Int, outputs: Int
  ) {
    let (x, weight, bias, y) = (x.host, weight.host, bias?.host, y.host)
    func block(_ rows: Range<Int>, _ columns: Range<Int>) {
      let target = y + rows.lowerBound * outputs + columns.lowerBound
      if let bias {
        for row in 0..<rows.count {
          (target + row * outputs).update(from: bias + columns.lowerBound, count: columns.count)
        }
      }
      BLAS.multiply(
        0, 1, rows.count, columns.count, inputs, 1, x + rows.lowerBound * inputs, inputs,
        weight + columns.lowerBound * inputs, inputs, bias == nil ? 0 : 1, target, outputs)
    }
    // With a bias, few rows at a time: the product then finds them in the cache.
    func blocks(_ rows: Range<Int>, _ columns: Range<Int>) {
      let height = bias == nil ? rows.count : max(Self.leastLinearRows, Self.linearBlock / max(1, columns.count))
      for first in stride(from: rows.lowerBound, to: rows.upperBound, by: max(1, height)) {
        block(first..<min(first + height, rows.upperBound), columns)
      }
    }
    let grain = max(1, 65_536 / max(1, inputs * min(rows, outputs)))
    if rows >= outputs {
      pool.forEachRange(rows, grain: grain) { blocks($0, 0..<outputs) }
    } else {
      pool.forEachRange(outputs, grain: grain) { blocks(0..<rows, $0) }
    }
  }
}

/// A batch of products, run block by block.
private struct Product {
  let a: MatrixOperand
  let b: MatrixOperand
  let c: MatrixOperand
  let k: Int

  func run(batch: Int, rows: Range<Int>, columns: Range<Int>) {
    let aStart = batch * a.batchStride + rows.lowerBound * (a.isTransposed ? 1 : a.rowStride)
    let bStart = batch * b.batchStride + columns.lowerBound * (b.isTransposed ? b.rowStride : 1)
    let cStart = batch * c.batchStride + rows.lowerBound * c.rowStride + columns.lowerBound
    BLAS.multiply(
      a.isTransposed ? 1 : 0, b.isTransposed ? 1 : 0, rows.count, columns.count, k, 1,
      a.pointer + aStart, a.rowStride, b.pointer + bStart, b.rowStride, 0,
      c.pointer + cStart, c.rowStride)
  }
}
