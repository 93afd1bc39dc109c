import TestSupport
import Testing

@testable import TensorCore

@Suite struct ReductionTests {
  @Test(arguments: [0, 1, 2, -1]) func sumAndMeanOverAnAxis(axis: Int) {
    let x = SyntheticWeights.tensor("x", [3, 4, 5])
    let at = axis < 0 ? axis + 3 : axis
    for keeping in [false, true] {
      let problem = operationMismatch([x]) {
        $0[0].sum(axis: axis, keepingAxis: keeping)
      } reference: {
        naiveSum($0[0], [3, 4, 5], axis: at)
      }
      #expect(problem == nil)
      let mean = operationMismatch([x]) {
        $0[0].mean(axis: axis, keepingAxis: keeping)
      } reference: {
        naiveSum($0[0], [3, 4, 5], axis: at).map { $0 / Double([3, 4, 5][at]) }
      }
      #expect(mean == nil)
    }
    #expect(x.sum(axis: axis, keepingAxis: true).shape == Shape([3, 4, 5]).replacing(axis: at, with: 1))
    #expect(x.sum(axis: axis).shape.rank == 2)
  }

  /// Shapes that take each of the kernels' paths: rows, column blocks, and few columns with many rows.
  @Test(arguments: [[40_000, 3], [3, 40_000], [70, 600], [2, 5000, 7], [5, 3, 700]])
  func largeSums(dimensions: [Int]) {
    let shape = Shape(dimensions)
    let x = SyntheticWeights.tensor("large", [shape.count]).reshaped(shape)
    let values = x.elements.map(Double.init)
    for axis in 0..<shape.rank {
      let expected = naiveSum(values, shape, axis: axis)
      #expect(mismatch(x.sum(axis: axis).elements, expected, .float) == nil, "axis \(axis)")
    }
    #expect(mismatch([x.sum().item], [values.reduce(0, +)], .float) == nil)
  }

  @Test func sumAndMeanOfEverything() {
    let x = SyntheticWeights.tensor("x", [3, 7])
    #expect(
      operationMismatch([x]) {
        $0[0].sum()
      } reference: {
        [$0[0].reduce(0, +)]
      } == nil)
    #expect(
      operationMismatch([x]) {
        $0[0].mean()
      } reference: {
        [$0[0].reduce(0, +) / 21]
      } == nil)
  }

  @Test func sumsAccumulateInDouble() {
    // In Float, adding 1 to 2^24 changes nothing.
    var values = [Float](repeating: 1, count: 4096)
    values[0] = 16_777_216
    #expect(Tensor(values, [4096]).sum().item == 16_781_312)
    #expect(Tensor(values, [4096, 1]).sum(axis: 0).item == 16_781_312)
  }

  static let broadcasts: [(Shape, Shape)] = [
    ([2, 3, 4], [4]), ([2, 3, 4], [3, 1]), ([2, 3, 4], [2, 1, 1]), ([2, 3, 4], [1, 3, 1]),
    ([2, 3, 4], [1, 1]), ([2, 3, 4], []), ([2, 3, 4, 5], [2, 1, 1, 5]), ([2, 1, 4], [1, 1, 4]),
    ([2, 3], [2, 3]),
  ]

  @Test(arguments: broadcasts) func broadcastAndItsAdjoint(_ shapes: (Shape, Shape)) {
    let (wide, narrow) = shapes
    let x = SyntheticWeights.tensor("x", [narrow.count, 1]).reshaped(narrow)
    let repeated = operationMismatch([x]) {
      $0[0].broadcast(to: wide)
    } reference: { values in
      (0..<wide.count).map { values[0][sourceIndex($0, of: narrow, in: wide)] }
    }
    #expect(repeated == nil)
    let y = SyntheticWeights.tensor("y", [wide.count, 1]).reshaped(wide)
    #expect(y.sum(to: narrow).shape == narrow)
    let summed = operationMismatch([y], .loose) {
      $0[0].sum(to: narrow)
    } reference: { values in
      var result = [Double](repeating: 0, count: narrow.count)
      for index in 0..<wide.count { result[sourceIndex(index, of: narrow, in: wide)] += values[0][index] }
      return result
    }
    #expect(summed == nil)
  }

  @Test func placesOfMaxima() {
    let x = Tensor([1, 5, 5, -3, -2, -9, .infinity, 0, 1], [3, 3])
    #expect(x.argmax().array == IndexArray([1, 1, 0], [3]))
  }

  @Test func normsAndFiniteness() {
    let tensors = [Tensor([3, 0], [2]), Tensor([4], [1, 1]), Tensor([12], [])]
    #expect(Tensor.globalNorm(tensors).item == 13)
    #expect(Tensor([1, 2], [2]).finiteness.item == 1)
    for bad in [Float.nan, .infinity, -.infinity] { #expect(Tensor([1, bad, 2], [3]).finiteness.item == 0) }
  }

  private func naiveSum(_ x: [Double], _ shape: Shape, axis: Int) -> [Double] {
    let outer = shape.dimensions[..<axis].reduce(1, *)
    let inner = shape.dimensions[(axis + 1)...].reduce(1, *)
    let extent = shape[axis]
    return (0..<outer * inner).map { index in
      (0..<extent).reduce(0) { $0 + x[(index / inner * extent + $1) * inner + index % inner] }
    }
  }
}
