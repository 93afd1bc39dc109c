/// A sparse linear map of one axis: element `o` of the result is the sum of `weights[k]` times element `indices[k]`
/// of the input over `offsets[o] <= k < offsets[o + 1]`.
public final class AxisTaps: Sendable {
  /// Extent that is read.
  public let input: Int
  /// Extent that is written.
  public let output: Int
  /// Where each output's taps begin, and the end of the last one's: output + 1 numbers.
  public let offsets: [Int32]
  /// Element that each tap reads.
  public let indices: [Int32]
  /// Factor of each tap.
  public let weights: [Float]

  /// - Parameter taps: for each output, the inputs that it reads with their factors.
  public init(input: Int, taps: [[(index: Int, weight: Float)]]) {
    self.input = input
    output = taps.count
    offsets = taps.reduce(into: [0]) { $0.append($0[$0.count - 1] + Int32($1.count)) }
    indices = taps.flatMap { $0.map { Int32($0.index) } }
    weights = taps.flatMap { $0.map(\.weight) }
  }

  /// The transposed map, whose taps are again listed by output: gradients are gathered, never scattered.
  func transposed() -> AxisTaps {
    var taps = [[(index: Int, weight: Float)]](repeating: [], count: input)
    for out in 0..<output {
      for k in Int(offsets[out])..<Int(offsets[out + 1]) {
        taps[Int(indices[k])].append((index: out, weight: weights[k]))
      }
    }
    return AxisTaps(input: output, taps: taps)
  }
}

/// Resampling of feature maps.
public protocol ResizeKernels {
  /// Maps the middle axis of x (outer, taps.input, inner) to y (outer, taps.output, inner).
  func resample(_ x: Storage, outer: Int, inner: Int, taps: AxisTaps, into y: Storage)
}
