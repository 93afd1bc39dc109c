import Foundation
import TensorCore

/// Ops on channels-last feature maps, written out in Double as their definitions read; what the kernels are tested
/// against.
public enum NaiveFeatureMap {
  /// Reproducible numbers in -1...1.
  public static func values(_ count: Int, seed: UInt64) -> [Float] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Int64(bitPattern: state) >> 40) / Float(1 << 23)
    }
  }

  /// Convolution of x `BhwC` with weight `OIhw`; bias may be empty.
  public static func convolution(
    _ x: [Double], weight: [Double], bias: [Double], _ g: ConvolutionGeometry
  ) -> [Double] {
    var y: [Double] = []
    for b in 0..<g.batch {
      for i in 0..<g.outHeight {
        for j in 0..<g.outWidth {
          for o in 0..<g.outputs {
            var sum = bias.isEmpty ? 0 : bias[o]
            for u in 0..<g.kernelHeight {
              for v in 0..<g.kernelWidth {
                let (row, column) = (i * g.stride + u - g.padding.top, j * g.stride + v - g.padding.left)
                guard (0..<g.height).contains(row), (0..<g.width).contains(column) else { continue }
                for c in 0..<g.inputs {
                  sum +=
                    x[((b * g.height + row) * g.width + column) * g.inputs + c]
                    * weight[((o * g.inputs + c) * g.kernelHeight + u) * g.kernelWidth + v]
                }
              }
            }
            y.append(sum)
          }
        }
      }
    }
    return y
  }

  /// Extents of `groupNorm`.
  public struct NaiveGroupNorm: Sendable {
    public let batch, pixels, channels, groups: Int

    /// `groups` groups of the channels of (batch, pixels, channels).
    public init(batch: Int, pixels: Int, channels: Int, groups: Int) {
      (self.batch, self.pixels, self.channels, self.groups) = (batch, pixels, channels, groups)
    }
  }

  /// Group normalisation of x (batch, pixels, channels), two passes.
  public static func groupNorm(
    _ x: [Double], weight: [Double], bias: [Double], epsilon: Double, activation: Activation = .none,
    _ g: NaiveGroupNorm
  ) -> [Double] {
    var y = x
    let width = g.channels / g.groups
    for b in 0..<g.batch {
      for group in 0..<g.groups {
        let members = (0..<g.pixels).flatMap { pixel in
          (group * width..<(group + 1) * width).map { (b * g.pixels + pixel) * g.channels + $0 }
        }
        let mean = members.reduce(0) { $0 + x[$1] } / Double(members.count)
        let variance = members.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) } / Double(members.count)
        for index in members {
          let c = index % g.channels
          let value = (x[index] - mean) / (variance + epsilon).squareRoot() * weight[c] + bias[c]
          y[index] = activation.naive(value)
        }
      }
    }
    return y
  }

  /// The gradient of `sum(f(x) seed)` by central differences.
  public static func gradient(
    at x: [Double], seed: [Float], step: Double = 1e-5, of f: ([Double]) -> [Double]
  ) -> [Double] {
    x.indices.map { index in
      var (above, below) = (x, x)
      above[index] += step
      below[index] -= step
      let (high, low) = (f(above), f(below))
      return high.indices.reduce(0) { $0 + (high[$1] - low[$1]) * Double(seed[$1]) } / (2 * step)
    }
  }

  /// The largest difference between elements, relative to the largest expected magnitude or 1; infinity where the
  /// counts differ or a value is not a number.
  public static func difference(_ actual: [Float], _ expected: [Double]) -> Double {
    guard actual.count == expected.count else { return .infinity }
    let scale = expected.reduce(1) { max($0, abs($1)) }
    return zip(actual, expected).reduce(0) { worst, pair in
      let error = abs(Double(pair.0) - pair.1) / scale
      return error.isNaN ? .infinity : max(worst, error)
    }
  }
}

extension Activation {
  /// The activation of a number, as its definition reads.
  public func naive(_ x: Double) -> Double {
    switch self {
    case .none: x
    case .silu: x / (1 + exp(-x))
    case .relu: max(x, 0)
    }
  }
}
