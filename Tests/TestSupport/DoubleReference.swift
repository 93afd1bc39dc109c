import Foundation

/// Naive references in Double for the fused ops, and the tools to compare with them. Arrays are row-major.
public enum DoubleReference {
  /// Reproducible values in -1...1 that Float represents exactly.
  public static func values(_ count: Int, seed: UInt64, scale: Double = 1) -> [Double] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(Float((Double(state >> 33) / Double(1 << 30) - 1) * scale))
    }
  }

  /// Gradient of `sum_i weights_i f(x)_i` by central differences.
  public static func gradient(
    at x: [Double], weights: [Double], step: Double = 1e-5, _ f: ([Double]) -> [Double]
  ) -> [Double] {
    x.indices.map { index in
      var (above, below) = (x, x)
      above[index] += step
      below[index] -= step
      return zip(weights, zip(f(above), f(below))).reduce(0) { $0 + $1.0 * ($1.1.0 - $1.1.1) } / (2 * step)
    }
  }

  /// The first element that differs by more than `tolerance * max(1, |expected|)`, described; nil where none does.
  public static func mismatch(_ actual: [Float], _ expected: [Double], tolerance: Double) -> String? {
    guard actual.count == expected.count else { return "\(actual.count) elements for \(expected.count)" }
    for (index, (value, reference)) in zip(actual, expected).enumerated() {
      // Written so that NaN is a mismatch.
      guard abs(Double(value) - reference) <= tolerance * max(1, abs(reference)) else {
        return "element \(index): \(value), expected \(reference)"
      }
    }
    return nil
  }

  /// Rows of `width` elements.
  static func rows(_ x: [Double], _ width: Int) -> [[Double]] {
    stride(from: 0, to: x.count, by: width).map { Array(x[$0..<$0 + width]) }
  }
}
