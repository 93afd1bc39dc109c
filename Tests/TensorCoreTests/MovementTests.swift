import TestSupport
import Testing

@testable import TensorCore

@Suite struct MovementTests {
  private let x = SyntheticWeights.tensor("x", [2, 3, 4])

  @Test(arguments: [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1], [1, 0, 2]])
  func permutation(order: [Int]) {
    let source = Shape([2, 3, 4])
    let target = Shape(order.map { source[$0] })
    #expect(x.permuted(order).shape == target)
    let problem = operationMismatch([x]) {
      $0[0].permuted(order)
    } reference: { values in
      (0..<target.count).map { index in
        var rest = index
        var position = [Int](repeating: 0, count: 3)
        for axis in (0..<3).reversed() {
          position[order[axis]] = rest % target[axis]
          rest /= target[axis]
        }
        return values[0][(position[0] * 3 + position[1]) * 4 + position[2]]
      }
    }
    #expect(problem == nil)
  }

  @Test func reshaping() {
    #expect(x.inserting(axis: 1).shape == [2, 1, 3, 4])
    #expect(x.inserting(axis: -1).shape == [2, 3, 4, 1])
    #expect(x.inserting(axis: 0).dropping(axis: 0).shape == x.shape)
    let problem = operationMismatch([x]) {
      $0[0].reshaped([4, 6]).inserting(axis: 1).dropping(axis: -2)
    } reference: {
      $0[0]
    }
    #expect(problem == nil)
  }

  @Test(arguments: [(0, 1..<2), (1, 0..<2), (1, 1..<3), (2, 1..<3), (-1, 3..<4), (1, 0..<3), (1, 2..<2)])
  func slicing(axis: Int, range: Range<Int>) {
    let at = axis < 0 ? axis + 3 : axis
    let problem = operationMismatch([x]) {
      $0[0].sliced(axis: axis, range)
    } reference: { values in
      naiveSlice(values[0], [2, 3, 4], axis: at, range)
    }
    #expect(problem == nil)
    #expect(x.sliced(axis: axis, range).shape == x.shape.replacing(axis: at, with: range.count))
  }

  /// Slices that overlap add their padded gradients.
  @Test(arguments: [0, 1, 2]) func padding(axis: Int) {
    let extent = x.shape[axis]
    for (before, after) in [(0, 0), (2, 0), (0, 3), (1, 2)] {
      let pad = MovementKernel.pad(axis: axis, before: before, after: after)
      let padded = Tensor(run(.movement(pad), x.storage))
      let shape = x.shape.replacing(axis: axis, with: before + extent + after)
      let inner = shape.dimensions[(axis + 1)...].reduce(1, *)
      let values = x.elements
      let expected = (0..<shape.count).map { index -> Double in
        let (outer, place) = (index / inner / shape[axis], index / inner % shape[axis] - before)
        return (0..<extent) ~= place ? Double(values[(outer * extent + place) * inner + index % inner]) : 0
      }
      #expect(mismatch(padded, expected, shape: shape, .double) == nil)
    }
    let problem = operationMismatch([x]) {
      $0[0].sliced(axis: axis, 0..<extent - 1) + $0[0].sliced(axis: axis, 1..<extent) * 3
    } reference: { values in
      zip(
        naiveSlice(values[0], [2, 3, 4], axis: axis, 0..<extent - 1),
        naiveSlice(values[0], [2, 3, 4], axis: axis, 1..<extent)
      ).map { $0 + 3 * $1 }
    }
    #expect(problem == nil)
  }

  @Test(arguments: [(0, [1, 1]), (1, [1, 2]), (2, [1, 0, 3]), (1, [3])])
  func splitting(axis: Int, extents: [Int]) {
    let parts = x.split(axis: axis, extents)
    #expect(parts.map { $0.shape[axis] } == extents)
    var start = 0
    for (index, extent) in extents.enumerated() {
      let range = start..<start + extent
      start += extent
      // Only this part is used: the others contribute zero gradients.
      let problem = operationMismatch([x]) {
        $0[0].split(axis: axis, extents)[index]
      } reference: {
        naiveSlice($0[0], [2, 3, 4], axis: axis, range)
      }
      #expect(problem == nil)
    }
    let joined = operationMismatch([x]) {
      .concatenated($0[0].split(axis: axis, extents), axis: axis)
    } reference: {
      $0[0]
    }
    #expect(joined == nil)
  }

  @Test(arguments: [0, 1, 2, -1]) func joining(axis: Int) {
    let at = axis < 0 ? axis + 3 : axis
    let shapes = [1, 3, 2].map { Shape([2, 3, 4]).replacing(axis: at, with: $0) }
    let parts = shapes.enumerated().map { SyntheticWeights.tensor("part\($0)", $1) }
    let target = Shape([2, 3, 4]).replacing(axis: at, with: 6)
    #expect(Tensor.concatenated(parts, axis: axis).shape == target)
    let problem = operationMismatch(parts) {
      .concatenated($0, axis: axis)
    } reference: { values in
      let outer = target.dimensions[..<at].reduce(1, *)
      return (0..<outer).flatMap { block in
        zip(values, shapes).flatMap { part, shape in
          let length = shape.count / outer
          return part[block * length..<(block + 1) * length]
        }
      }
    }
    #expect(problem == nil)
  }

  @Test(arguments: [(0, 1..<2), (1, 0..<2), (1, 1..<3), (2, 1..<3), (-1, 3..<4), (1, 0..<3), (1, 2..<2)])
  func overwriting(axis: Int, range: Range<Int>) {
    let at = axis < 0 ? axis + 3 : axis
    let part = SyntheticWeights.tensor("part", x.shape.replacing(axis: at, with: range.count))
    let whole = x.copy()
    whole.overwrite(axis: axis, at: .scalar(range.lowerBound), with: part)
    #expect(whole.sliced(axis: axis, range).elements == part.elements)
    for rest in [0..<range.lowerBound, range.upperBound..<x.shape[at]] {
      #expect(whole.sliced(axis: axis, rest).elements == x.sliced(axis: axis, rest).elements)
    }
  }

  @Test(arguments: [-1, 3]) func overwritingStaysInside(_ position: Int) async {
    // Shared by both sides, of which the other process sees the number alone.
    await #expect(processExitsWith: .failure) { [position] in
      Tensor.zeros([2, 4, 3]).overwrite(axis: 1, at: .scalar(position), with: .zeros([2, 2, 3]))
    }
  }

  @Test func rowsOfATable() {
    let table = SyntheticWeights.tensor("table", [5, 3])
    // Row 4 twice and row 1 never: gradients add up, and stay zero.
    let indices = IndexTensor([4, 0, 3, 2, 4, 0], [2, 3])
    #expect(table.gatherRows(indices).shape == [2, 3, 3])
    let problem = operationMismatch([table]) {
      $0[0].gatherRows(indices)
    } reference: { values in
      indices.values.flatMap { values[0][Int($0) * 3..<Int($0) * 3 + 3] }
    }
    #expect(problem == nil)
  }

  @Test func manyRowsScatterOverAllThreads() {
    let indices = IndexTensor((0..<20_000).map { Int32($0 * 7 % 64) }, [20_000])
    let table = Tensor.zeros([64, 300]).asLeaf()
    let gradient = table.gatherRows(indices).sum().gradients(withRespectTo: [table])[0]
    let counts = indices.values.reduce(into: [Double](repeating: 0, count: 64)) { $0[Int($1)] += 1 }
    let expected = counts.flatMap { [Double](repeating: $0, count: 300) }
    #expect(mismatch(gradient, expected, shape: [64, 300], .double) == nil)
  }

  private func naiveSlice(_ values: [Double], _ shape: Shape, axis: Int, _ range: Range<Int>) -> [Double] {
    let inner = shape.dimensions[(axis + 1)...].reduce(1, *)
    return values.enumerated().filter { range.contains($0.offset / inner % shape[axis]) }.map(\.element)
  }
}
