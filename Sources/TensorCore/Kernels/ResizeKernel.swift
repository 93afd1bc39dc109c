/// A sparse linear map of one axis: element `o` of the result is the sum of `weights[k]` times element `indices[k]`
/// of the input over `offsets[o] <= k < offsets[o + 1]`.
public final class AxisTaps: Hashable, Sendable {
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

  public static func == (a: AxisTaps, b: AxisTaps) -> Bool {
    a === b
      || (a.input == b.input && a.offsets == b.offsets && a.indices == b.indices && a.weights == b.weights)
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(input)
    hasher.combine(indices)
    hasher.combine(weights)
  }
}

/// Resampling of feature maps.
public enum ResizeKernel: Hashable, Sendable {
  /// x: an axis of extent `taps.input` mapped to one of `taps.output`.
  case resample(axis: Int, AxisTaps)

  func results(of operands: [ArrayType]) -> [ArrayType] {
    switch self {
    case .resample(let axis, let taps):
      return [operands[0].with(operands[0].shape.replacing(axis: axis, with: taps.output))]
    }
  }
}
