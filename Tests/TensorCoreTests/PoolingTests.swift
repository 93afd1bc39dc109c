import TestSupport
import Testing

@testable import TensorCore

@Suite struct PoolingTests {
  static let windows = [
    PoolingWindow(side: 3, stride: 1, padding: 1), PoolingWindow(side: 3, stride: 2), PoolingWindow(side: 1, stride: 1),
    PoolingWindow(side: 4, stride: 3, padding: 3), PoolingWindow(side: 5, stride: 5), PoolingWindow(side: 2, stride: 4),
  ]
  static let shapes: [[Int]] = [[2, 8, 7, 5], [3, 5, 6, 16], [1, 9, 5, 67], [2, 40, 33, 33]]

  @Test(arguments: windows, shapes) func poolsAgainstADirectScan(_ window: PoolingWindow, _ shape: [Int]) {
    let x = SyntheticWeights.tensor("x", Shape(shape))
    let (largest, means) = naive(x.elements.map(Double.init), shape, window)
    let extents = shape[1...2].map { ($0 + 2 * window.padding - window.side) / window.stride + 1 }
    let outShape: Shape = [shape[0], extents[0], extents[1], shape[3]]
    #expect(mismatch(maxPool(x, window), largest, shape: outShape, .float) == nil)
    #expect(mismatch(averagePool(x, window), means, shape: outShape, .float) == nil)
  }

  private func naive(_ x: [Double], _ shape: [Int], _ window: PoolingWindow) -> (largest: [Double], means: [Double]) {
    let (B, h, w, C) = (shape[0], shape[1], shape[2], shape[3])
    var (largest, means): ([Double], [Double]) = ([], [])
    func places(_ extent: Int) -> [Range<Int>] {
      stride(from: -window.padding, through: extent + window.padding - window.side, by: window.stride).map {
        max($0, 0)..<min($0 + window.side, extent)
      }
    }
    for b in 0..<B {
      for rows in places(h) {
        for columns in places(w) {
          for c in 0..<C {
            let inside = rows.flatMap { row in columns.map { x[((b * h + row) * w + $0) * C + c] } }
            largest.append(inside.max() ?? .nan)
            means.append(inside.reduce(0, +) / Double(inside.count))
          }
        }
      }
    }
    return (largest, means)
  }

  /// A maximum with NaN is NaN, wherever in the window it stands.
  @Test(arguments: 0..<4) func nanIsNotTakenForASmallNumber(_ place: Int) {
    var values: [Float] = [1, 2, 3, 4]
    values[place] = .nan
    #expect(maxPool(Tensor(values, [1, 2, 2, 1]), PoolingWindow(side: 2, stride: 1)).item.isNaN)
  }

  @Test func anImageDoesNotDependOnItsBatch() {
    let x = SyntheticWeights.tensor("x", [5, 7, 9, 21])
    let window = PoolingWindow(side: 3, stride: 1, padding: 1)
    let alone = x.sliced(axis: 0, 3..<4)
    for pool in [maxPool, averagePool] {
      #expect(pool(alone, window).elements == pool(x, window).sliced(axis: 0, 3..<4).elements)
    }
  }
}
