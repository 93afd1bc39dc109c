import TestSupport
import Testing

@testable import TensorCore

/// A column of `input` pixels resized to `output` by PyTorch 2.13's `interpolate` (align_corners=False), and the
/// gradient of the column; pixel i is (7 i + 3) mod 11, and so is the gradient of the result.
struct Recorded: CustomTestStringConvertible, Sendable {
  let mode: ResizeMode
  let input: Int
  let output: Int
  let y: [Double]
  let gradX: [Double]

  init(_ mode: ResizeMode, _ input: Int, _ output: Int, _ y: [Double], _ gradX: [Double]) {
    self.mode = mode
    self.input = input
    self.output = output
    self.y = y
    self.gradX = gradX
  }

  var testDescription: String { "\(mode) \(input) to \(output)" }
}

@Suite struct ResizeTests {
  static let recorded = [
    Recorded(
      .bicubic, 3, 8, [2.224548, 3.358765, 6.331665, 9.225464, 9.995056, 8.284485, 6.217957, 5.556885],
      [15.34204, 15.19482, 13.46313]),
    Recorded(
      .bicubic, 8, 3, [9.342594, 5.5, 1.657408],
      [0.4305568, 2.829861, -1.197917, 5.9375, 5.9375, -1.458335, 5.659721, 0.8611143]),
    Recorded(.bicubic, 1, 4, [3, 3, 3, 3], [21]),
    Recorded(
      .bicubic, 5, 7, [2.448979, 7.48105, 9.884839, 6, 2.11516, 4.51895, 9.551025],
      [6.778426, 11.29446, 5.03936, 10.69388, 2.193877]),
    Recorded(.area, 8, 3, [6.333333, 5.5, 4.666667], [1, 1, 3.5, 2.5, 2.5, 4.5, 2, 2]),
    Recorded(.area, 8, 6, [6.5, 8, 4, 7, 3, 4.5], [1.5, 6.5, 8, 3, 1, 5.5, 7, 2.5]),
    Recorded(.area, 3, 5, [3, 6.5, 10, 8, 6], [8, 12, 10]),
    Recorded(.nearest, 4, 8, [3, 3, 10, 10, 6, 6, 2, 2], [13, 8, 14, 9]),
    Recorded(.nearest, 7, 5, [3, 10, 6, 9, 5], [3, 10, 6, 0, 2, 9, 0]),
    Recorded(.nearest, 5, 13, [3, 3, 3, 10, 10, 10, 6, 6, 2, 2, 2, 9, 9], [19, 16, 9, 11, 13]),
  ]

  static func ramp(_ count: Int) -> [Float] { (0..<count).map { Float((7 * $0 + 3) % 11) } }

  /// As a column and as a row, so that neither axis hides behind the other.
  @Test(arguments: recorded)
  func matchesPyTorch(_ example: Recorded) {
    let (n, m) = (example.input, example.output)
    for (shape, size) in [([1, n, 1, 1], (m, 1)), ([1, 1, n, 1], (1, m))] as [(Shape, (Int, Int))] {
      let x = Tensor(Self.ramp(n), shape).asLeaf()
      let y = resize(x, to: (h: size.0, w: size.1), mode: example.mode)
      #expect(y.shape == [1, size.0, size.1, 1])
      #expect(NaiveFeatureMap.difference(y.elements, example.y) < 2e-6)
      let gradient = y.gradients(withRespectTo: [x], seed: Tensor(Self.ramp(m), y.shape))[0]
      #expect(gradient.shape == x.shape)
      #expect(NaiveFeatureMap.difference(gradient.elements, example.gradX) < 2e-6)
    }
  }

  /// 41 * 2 / 82 is 1, but PyTorch's product in Float is just below, and it reads pixel 0.
  @Test func nearestRoundsAsPyTorch() {
    let y = resize(Tensor([10, 20], [1, 2, 1, 1]), to: (h: 82, w: 1), mode: .nearest).elements
    #expect(y[41] == 10)
    #expect(y[42] == 20)
  }

  /// Rows and columns together, recorded as above: bicubic from (3, 2) to (4, 5).
  @Test func bothAxesMatchPyTorch() {
    let expected = [
      1.925873, 3.423413, 6.679443, 9.935476, 11.43302, 4.59334, 4.586393, 4.571289, 4.556184, 4.54924,
      7.984882, 6.983549, 4.806396, 2.629243, 1.627912, 9.656334, 8.887334, 7.215332, 5.543329, 4.774333,
    ]
    let y = resize(Tensor(Self.ramp(6), [1, 3, 2, 1]), to: (h: 4, w: 5), mode: .bicubic)
    #expect(NaiveFeatureMap.difference(y.elements, expected) < 2e-6)
  }

  /// Batch and channels are carried along: each plane by itself gives the same numbers, and the gradient agrees with
  /// central differences (the op is linear, so they are exact).
  @Test(arguments: [ResizeMode.nearest, .bicubic, .area], [[3, 9], [7, 2], [6, 4]])
  func channelsAndGradient(_ mode: ResizeMode, _ size: [Int]) {
    let (B, h, w, C) = (2, 5, 4, 3)
    let to = (h: size[0], w: size[1])
    let values = NaiveFeatureMap.values(B * h * w * C, seed: 1)
    let x = Tensor(values, [B, h, w, C]).asLeaf()
    let y = resize(x, to: to, mode: mode)
    let rows = Self.dense(h, to.h, mode)
    let columns = Self.dense(w, to.w, mode)
    func naive(_ x: [Double]) -> [Double] {
      (0..<B * to.h * to.w * C).map { index in
        let (c, j, i, b) = (
          index % C, index / C % to.w, index / C / to.w % to.h, index / C / to.w / to.h
        )
        return (0..<h * w).reduce(0) { sum, pixel in
          let (p, q) = (pixel / w, pixel % w)
          return sum + rows[i][p] * columns[j][q] * x[((b * h + p) * w + q) * C + c]
        }
      }
    }
    let exact = values.map(Double.init)
    #expect(NaiveFeatureMap.difference(y.elements, naive(exact)) < 1e-6)
    let seed = NaiveFeatureMap.values(y.count, seed: 2)
    let gradient = y.gradients(withRespectTo: [x], seed: Tensor(seed, y.shape))[0]
    let expected = NaiveFeatureMap.gradient(at: exact, seed: seed, of: naive)
    #expect(NaiveFeatureMap.difference(gradient.elements, expected) < 1e-6)
  }

  /// The matrix of one axis: column p is what a unit impulse at p becomes in a map of one column.
  private static func dense(_ input: Int, _ output: Int, _ mode: ResizeMode) -> [[Double]] {
    var matrix = [[Double]](repeating: [Double](repeating: 0, count: input), count: output)
    for p in 0..<input {
      var impulse = [Float](repeating: 0, count: input)
      impulse[p] = 1
      let y = resize(Tensor(impulse, [1, input, 1, 1]), to: (h: output, w: 1), mode: mode).elements
      for o in 0..<output { matrix[o][p] = Double(y[o]) }
    }
    return matrix
  }

  @Test(arguments: [ResizeMode.nearest, .bicubic, .area])
  func sameSizeIsTheSameMap(_ mode: ResizeMode) {
    let values = NaiveFeatureMap.values(5 * 4 * 2, seed: 3)
    let x = Tensor(values, [1, 5, 4, 2])
    #expect(resize(x, to: (h: 5, w: 4), mode: mode).elements == values)
    // One axis kept, the other changed and read back: the kept one went through unchanged.
    let taller = resize(x, to: (h: 10, w: 4), mode: .nearest)
    #expect(taller.elements.prefix(8) == values.prefix(8))
    let taps = ResizeTaps.between(6, 6, mode)
    let impulse = Tensor([0, 0, 1, 0, 0, 0], [6])
    #expect(Tensor(run(.resize(.resample(axis: 0, taps.forward)), impulse.storage)).elements == impulse.elements)
  }
}
