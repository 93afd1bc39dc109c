import TestSupport
import Testing

@testable import TensorCore

/// Ops on integers, whose bits some kernels move as Floats: NaNs of both kinds, and the smallest Floats, are among them.
@Suite struct IndexTests {
  private static let shape: Shape = [2, 3, 4]
  private static let values: [Int32] = (0..<24).map { index in
    index % 5 == 0 ? [-1, .min, .max, 0x7FA0_0000, 1][index / 5] : Int32(index)
  }
  private let x = IndexTensor(values, shape)

  /// Elements of an array where a coordinate of an axis satisfies a condition.
  private func naiveSlice(_ values: [Int32], _ shape: Shape, axis: Int, _ range: Range<Int>) -> [Int32] {
    let inner = shape.dimensions[(axis + 1)...].reduce(1, *)
    return values.enumerated().filter { range.contains($0.offset / inner % shape[axis]) }.map(\.element)
  }

  @Test func copiesKeepEveryBit() {
    #expect(x.shape == Self.shape && x.values == Self.values && x.array == IndexArray(Self.values, Self.shape))
    #expect(IndexTensor(x.array).array == x.array)
    let literal: IndexTensor = [3, -1]
    #expect(literal.array == IndexArray([3, -1], [2]))
    #expect(IndexTensor.scalar(7).array == IndexArray([7], []))
    #expect(x.reshaped([6, 4]).array == IndexArray(Self.values, [6, 4]))
  }

  @Test(arguments: [0, 1, 7, -1, 16_384, 1 << 24]) func filling(_ value: Int) {
    #expect(
      IndexTensor(repeating: value, [2, 3]).array == IndexArray([Int32](repeating: Int32(value), count: 6), [2, 3]))
    let many = IndexTensor(repeating: value, [50_001]).values
    #expect(many.allSatisfy { $0 == Int32(value) })
  }

  @Test(arguments: [(0, 1..<2), (1, 0..<2), (1, 1..<3), (2, 1..<3), (2, 3..<4), (1, 0..<3), (1, 2..<2)])
  func slicing(axis: Int, range: Range<Int>) {
    let expected = IndexArray(
      naiveSlice(Self.values, Self.shape, axis: axis, range), Self.shape.replacing(axis: axis, with: range.count))
    #expect(x.sliced(axis: axis, range).array == expected)
    if axis == 1 {
      let table = x.reshaped([4, 6])
      #expect(table.columns(range).values == naiveSlice(Self.values, [4, 6], axis: 1, range))
    }
  }

  @Test(arguments: [0, 1, 2]) func joining(axis: Int) {
    let shapes = [1, 3, 2].map { Self.shape.replacing(axis: axis, with: $0) }
    let parts = shapes.enumerated().map { part, shape in (0..<shape.count).map { Int32(part * 100 - $0) } }
    let joined = IndexTensor.concatenated(zip(parts, shapes).map { IndexTensor($0, $1) }, axis: axis)
    let outer = Self.shape.dimensions[..<axis].reduce(1, *)
    let expected = (0..<outer).flatMap { block in
      parts.flatMap { part -> ArraySlice<Int32> in
        let length = part.count / outer
        return part[block * length..<(block + 1) * length]
      }
    }
    #expect(joined.array == IndexArray(expected, Self.shape.replacing(axis: axis, with: 6)))
    // Cut and joined again.
    let extent = Self.shape[axis]
    let whole = IndexTensor.concatenated(
      [x.sliced(axis: axis, 0..<1), x.sliced(axis: axis, 1..<extent)], axis: axis)
    #expect(whole.array == x.array)
  }

  @Test func equalElements() {
    var others = Self.values
    for index in stride(from: 0, to: 24, by: 3) { others[index] = others[index] &+ 1 }
    let expected = zip(Self.values, others).map { $0 == $1 ? Float(1) : 0 }
    let found = x.equals(IndexTensor(others, Self.shape))
    #expect(found.shape == Self.shape && found.elements == expected)
    // As Floats of their bits, -1 is NaN and 0 equals the smallest integer.
    #expect(IndexTensor([-1, 0, .min]).equals([-1, .min, .min]).elements == [1, 0, 1])
    let many = (0..<50_001).map { Int32($0 % 7) }
    let threes = IndexTensor(many).equals(IndexTensor(repeating: 3, [50_001]))
    #expect(zip(threes.elements, many).allSatisfy { $0 == ($1 == 3 ? 1 : 0) })
  }

  @Test func replacedElements() {
    let others = Self.values.map { $0 &* 3 &- 1 }
    // All that is not zero counts.
    let mask = (0..<24).map { [Float(0), 1, -0.5, .nan, -0.0][$0 % 5] }
    let expected = (0..<24).map { mask[$0] != 0 ? others[$0] : Self.values[$0] }
    let found = x.replaced(by: IndexTensor(others, Self.shape), where: Tensor(mask, Self.shape))
    #expect(found.array == IndexArray(expected, Self.shape))
  }

  @Test func histogramsCountEveryElement() {
    let ids = (0..<3000).map { Int32($0 * $0 % 41) }
    var counts = [Float](repeating: 0, count: 50)
    for id in ids { counts[Int(id)] += 1 }
    let found = IndexTensor(ids, [30, 100]).histogram(50)
    #expect(found.shape == [50] && found.elements == counts)
  }

  @Test func smallerNumbers() {
    let a: [Float] = [1, 2, 2, -1, .infinity, -.infinity, .nan, 1, 0]
    let b: [Float] = [2, 1, 2, .infinity, .infinity, -3, 1, .nan, -0.0]
    let found = Tensor(a, [3, 3]).isLess(than: Tensor(b, [3, 3]))
    #expect(found.shape == [3, 3] && found.elements == [1, 0, 0, 1, 0, 1, 0, 0, 0])
    let (many, others) = (SyntheticWeights.tensor("a", [50_001]), SyntheticWeights.tensor("b", [50_001]))
    let pairs = zip(many.elements, others.elements)
    #expect(zip(many.isLess(than: others).elements, pairs).allSatisfy { $0 == ($1.0 < $1.1 ? 1 : 0) })
  }

  /// What is not taken leaves no trace, where a product with the mask would be NaN.
  @Test func replacedNumbers() {
    let (a, b) = (Tensor([1, .nan, .infinity, 4], [2, 2]), Tensor([.nan, 6, 7, -.infinity], [2, 2]))
    #expect(a.replaced(by: b, where: Tensor([0, 1, 1, 0], [2, 2])).elements == [1, 6, 7, 4])
    let (many, others) = (SyntheticWeights.tensor("a", [50_001]), SyntheticWeights.tensor("b", [50_001]))
    let mask = (0..<50_001).map { Float($0 % 3 - 1) }
    let expected = zip(mask, zip(many.elements, others.elements)).map { Double($0 != 0 ? $1.1 : $1.0) }
    let found = many.replaced(by: others, where: Tensor(mask, [50_001]))
    #expect(mismatch(found, expected, shape: [50_001], .double) == nil)
  }
}
