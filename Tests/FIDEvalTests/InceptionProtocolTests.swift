import TensorCore
import TestSupport
import Testing

@testable import FIDEval

/// A row of pixels (7 i + 3) mod 11 resized by torch-fidelity 0.4 (adm), PyTorch 2.15 (pytorch-fid) and Pillow 13
/// (clean).
struct RecordedResize: Sendable {
  let imageProtocol: InceptionProtocol
  let input: Int
  let y: [Double]

  init(_ imageProtocol: InceptionProtocol, _ input: Int, _ y: [Double]) {
    self.imageProtocol = imageProtocol
    self.input = input
    self.y = y
  }
}

@Suite struct InceptionProtocolTests {
  @Test(arguments: [
    RecordedResize(.clean, 5, [2.592233, 7.182826, 9.658892, 6, 2.341108, 4.817174, 9.407767]),
    RecordedResize(.adm, 5, [3, 8, 8.285714, 5.428572, 2.571428, 6.000001, 9]),
    RecordedResize(.pytorchFID, 5, [3, 7, 8.857142, 6, 3.142857, 5, 9]),
    RecordedResize(.clean, 8, [6.330424, 5.5, 4.669576]), RecordedResize(.adm, 8, [3, 3.333333, 3.666666]),
    RecordedResize(.pytorchFID, 8, [8.833334, 5.5, 2.166669]),
    RecordedResize(.clean, 11, [6.292658, 5.476985, 4.523015, 3.707342]),
    RecordedResize(.adm, 11, [3, 3, 3, 3]), RecordedResize(.pytorchFID, 11, [9.125, 6.375, 3.625, 0.875]),
    RecordedResize(.clean, 1, [3, 3, 3]), RecordedResize(.adm, 1, [3, 3, 3]),
    RecordedResize(.pytorchFID, 1, [3, 3, 3]),
  ])
  func rowsAsThePythonToolsResizeThem(_ recorded: RecordedResize) {
    let taps = recorded.imageProtocol.taps(recorded.input, recorded.y.count)
    let x = (0..<recorded.input).map { Float((7 * $0 + 3) % 11) }
    let y = (0..<recorded.y.count).map { out in
      (taps.offsets[out]..<taps.offsets[out + 1]).reduce(Float(0)) {
        $0 + taps.weights[Int($1)] * x[Int(taps.indices[Int($1)])]
      }
    }
    #expect(mismatch(y, recorded.y, Tolerance(absolute: 3e-6, relative: 1e-6)) == nil)
  }

  /// Weight of input pixel `i` in output pixel `o`, straight from each convention's definition, in Double.
  private func weight(_ imageProtocol: InceptionProtocol, _ o: Int, _ i: Int, of n: Int) -> Double {
    let scale = Double(n) / 299
    func tent(_ position: Double) -> Double {
      let held = min(max(position, 0), Double(n - 1))
      return max(0, 1 - abs(held - Double(i)))
    }
    func cubic(_ x: Double) -> Double {
      let x = abs(x)
      return x < 1 ? 1.5 * x * x * x - 2.5 * x * x + 1 : x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0
    }
    let centre = scale * (Double(o) + 0.5) - 0.5
    switch imageProtocol {
    case .adm: return tent(scale * Double(o))
    case .pytorchFID: return tent(centre)
    case .clean:
      let all = (0..<n).map { cubic((Double($0) - centre) / max(scale, 1)) }
      return all[i] / all.reduce(0, +)
    }
  }

  @Test(arguments: InceptionProtocol.allCases, [[37, 61], [299, 350], [640, 299], [1, 3]])
  func imagesAgainstADirectSum(_ imageProtocol: InceptionProtocol, size: [Int]) {
    let (h, w) = (size[0], size[1])
    let images = SyntheticInception.images(2, h, w)
    let bytes = images.elements.map { (Double($0) + 1) * 127.5 }.map { $0.rounded() }
    let prepared = imageProtocol.prepare(images)
    #expect(prepared.shape == [2, 299, 299, 3])
    let actual = prepared.elements
    let rows = [0, 1, 100, 297, 298]
    let columns = [0, 2, 149, 298]
    var (found, expected): ([Float], [Double]) = ([], [])
    for row in rows {
      let rowWeights = (0..<h).map { weight(imageProtocol, row, $0, of: h) }
      for column in columns {
        let columnWeights = (0..<w).map { weight(imageProtocol, column, $0, of: w) }
        for c in 0..<3 {
          var sum = 0.0
          for i in 0..<h where rowWeights[i] != 0 {
            for j in 0..<w where columnWeights[j] != 0 {
              sum += rowWeights[i] * columnWeights[j] * bytes[((h + i) * w + j) * 3 + c]
            }
          }
          let value = imageProtocol == .clean ? min(max(sum, 0), 255) : sum
          found.append(actual[((299 + row) * 299 + column) * 3 + c])
          expected.append(imageProtocol == .pytorchFID ? value / 127.5 - 1 : (value - 128) / 128)
        }
      }
    }
    // The bilinear references compute positions in Float, and neighbours differ by up to 2.
    let rounding = 4 * Double(max(h, w)) * Double(Float.ulpOfOne / 2)
    #expect(mismatch(found, expected, Tolerance(absolute: 2e-5 + rounding, relative: 0)) == nil)
  }
}
