import TestSupport
import Testing

@testable import TensorCore

@Suite struct MatMulTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let leadingA: [Int]
    let leadingB: [Int]
    let transposeA: Bool
    let transposeB: Bool
    var testDescription: String {
      "A \(leadingA)\(transposeA ? "^T" : "") B \(leadingB)\(transposeB ? "^T" : "")"
    }
  }

  static let cases: [Case] = [([], []), ([3], [3]), ([2, 3], [2, 3]), ([3], []), ([], [3])].flatMap {
    leading in
    [(false, false), (true, false), (false, true), (true, true)].map {
      Case(leadingA: leading.0, leadingB: leading.1, transposeA: $0.0, transposeB: $0.1)
    }
  }

  @Test(arguments: cases) func products(_ c: Case) {
    let (m, n, k) = (4, 5, 3)
    let a = SyntheticWeights.tensor("a", Shape(c.leadingA + (c.transposeA ? [k, m] : [m, k])))
    let b = SyntheticWeights.tensor("b", Shape(c.leadingB + (c.transposeB ? [n, k] : [k, n])))
    let leading = c.leadingA.isEmpty ? c.leadingB : c.leadingA
    let batch = leading.reduce(1, *)
    let product = a.matmul(b, transposeSelf: c.transposeA, transposeOther: c.transposeB)
    #expect(product.shape == Shape(leading + [m, n]))
    let problem = operationMismatch([a, b], .loose) {
      $0[0].matmul($0[1], transposeSelf: c.transposeA, transposeOther: c.transposeB)
    } reference: { values in
      (0..<batch).flatMap { index -> [Double] in
        let left = c.leadingA.isEmpty ? values[0] : Array(values[0][index * m * k..<(index + 1) * m * k])
        let right = c.leadingB.isEmpty ? values[1] : Array(values[1][index * k * n..<(index + 1) * k * n])
        return naiveProduct(left, right, m, n, k, c.transposeA, c.transposeB)
      }
    }
    #expect(problem == nil)
  }

  /// Large enough to be cut among threads, by rows and by columns, with edges that fill no block.
  @Test(arguments: [(131, 37, 65), (37, 131, 65), (200, 3, 129)], [false, true])
  func largeProducts(_ extents: (Int, Int, Int), transposed: Bool) {
    let (m, n, k) = extents
    let a = SyntheticWeights.tensor("a", transposed ? [k, m] : [m, k])
    let b = SyntheticWeights.tensor("b", transposed ? [n, k] : [k, n])
    let product = a.matmul(b, transposeSelf: transposed, transposeOther: transposed)
    let expected = naiveProduct(
      a.elements.map(Double.init), b.elements.map(Double.init), m, n, k, transposed, transposed)
    #expect(mismatch(product, expected, shape: [m, n], .loose) == nil)
  }

  @Test(arguments: [true, false]) func linear(hasBias: Bool) {
    let x = SyntheticWeights.tensor("x", [2, 3, 4])
    let weight = SyntheticWeights.tensor("w", [5, 4])
    let bias = SyntheticWeights.tensor("b", [5])
    let problem = operationMismatch(hasBias ? [x, weight, bias] : [x, weight], .loose) {
      $0[0].linear(weight: $0[1], bias: hasBias ? $0[2] : nil)
    } reference: { values in
      let product = naiveProduct(values[0], values[1], 6, 5, 4, false, true)
      return product.enumerated().map { $0.element + (hasBias ? values[2][$0.offset % 5] : 0) }
    }
    #expect(problem == nil)
  }

  @Test(arguments: [(400, 30), (7, 900)]) func largeLinear(rows: Int, outputs: Int) {
    let x = SyntheticWeights.tensor("x", [rows, 65])
    let weight = SyntheticWeights.tensor("w", [outputs, 65])
    let bias = SyntheticWeights.tensor("b", [outputs])
    let expected = naiveProduct(
      x.elements.map(Double.init), weight.elements.map(Double.init), rows, outputs, 65, false, true
    ).enumerated().map { $0.element + Double(bias.elements[$0.offset % outputs]) }
    let y = x.linear(weight: weight, bias: bias)
    #expect(mismatch(y, expected, shape: [rows, outputs], .loose) == nil)
  }

  @Test func doublePrecisionProducts() {
    let a = SyntheticWeights.values("a", [12]).map(Double.init)
    let b = SyntheticWeights.values("b", [20]).map(Double.init)
    for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
      let product = matmulDouble(a, b, m: 3, n: 5, k: 4, transposeA: transposeA, transposeB: transposeB)
      #expect(mismatch(product, naiveProduct(a, b, 3, 5, 4, transposeA, transposeB), .double) == nil)
    }
  }

  @Test func gramOfTheUpperTriangle() {
    let (rows, n) = (4, 5)
    let a = SyntheticWeights.values("a", [rows, n]).map(Double.init)
    let start = SyntheticWeights.values("c", [n, n]).map(Double.init)
    var c = start
    addGram(a, rows: rows, width: n, to: &c)
    let gram = naiveProduct(a, a, n, n, rows, true, false)
    let expected = (0..<n * n).map { start[$0] + ($0 / n <= $0 % n ? gram[$0] : 0) }
    #expect(mismatch(c, expected, .double) == nil)
  }

  @Test(arguments: [6, 3, 0]) func factorOfASemidefiniteMatrix(rank: Int) {
    let n = 6
    let root = SyntheticWeights.values("root", [6, n]).prefix(rank * n).map(Double.init)
    let matrix = naiveProduct(root, root, n, n, rank, true, false)
    let factor = factorOfSemidefinite(matrix, n: n)
    #expect(factor.rank == rank)
    let back = naiveProduct(factor.elements, factor.elements, n, n, factor.rank, true, false)
    #expect(mismatch(back, matrix, .double) == nil)
  }

  /// Rotations around a diagonal leave its values.
  @Test func singularValuesOfAnOblongMatrix() throws {
    let (c, s) = (0.6, 0.8)
    // [c -s; s c] times [3 0 0; 0 0 2] times a rotation of the last two axes.
    let matrix = [3 * c, -2 * s * s, -2 * s * c, 3 * s, 2 * c * s, 2 * c * c]
    #expect(mismatch(try singularValues(matrix, m: 2, n: 3), [3, 2], .double) == nil)
    let transposed = [0, 3, 1, 4, 2, 5].map { matrix[$0] }
    #expect(mismatch(try singularValues(transposed, m: 3, n: 2), [3, 2], .double) == nil)
    #expect(try singularValues([], m: 0, n: 3) == [])
  }

  private func naiveProduct(
    _ a: [Double], _ b: [Double], _ m: Int, _ n: Int, _ k: Int, _ transposeA: Bool, _ transposeB: Bool
  ) -> [Double] {
    (0..<m * n).map { index in
      let (row, column) = (index / n, index % n)
      return (0..<k).reduce(0) { sum, inner in
        sum + a[transposeA ? inner * m + row : row * k + inner]
          * b[transposeB ? column * k + inner : inner * n + column]
      }
    }
  }
}
