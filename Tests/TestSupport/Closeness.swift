import TensorCore

/// How far a result may be from its reference: `|actual - expected| <= absolute + relative |expected|`.
public struct Tolerance: Sendable {
  /// Allowed distance whatever the size of the expected value.
  public var absolute: Double
  /// Allowed distance as a part of the expected value.
  public var relative: Double

  /// A tolerance.
  public init(absolute: Double, relative: Double) {
    self.absolute = absolute
    self.relative = relative
  }

  /// A few roundings of Float32 on values near one.
  public static let float = Tolerance(absolute: 2e-6, relative: 2e-6)
  /// Sums of many Float32 products, and gradients through several ops.
  public static let loose = Tolerance(absolute: 2e-5, relative: 1e-4)
  /// A few roundings of Double.
  public static let double = Tolerance(absolute: 1e-12, relative: 1e-12)
}

/// Compares every element; nil where all are close, else one line about the worst: use as
/// `#expect(mismatch(actual, expected, .float) == nil)`. NaN is close to nothing.
public func mismatch(_ actual: [Double], _ expected: [Double], _ tolerance: Tolerance) -> String? {
  guard actual.count == expected.count else {
    return "\(actual.count) elements, expected \(expected.count)"
  }
  var worst: (index: Int, excess: Double)?
  for index in actual.indices {
    let distance = Swift.abs(actual[index] - expected[index])
    let allowed = tolerance.absolute + tolerance.relative * Swift.abs(expected[index])
    if distance <= allowed || actual[index] == expected[index] { continue }
    let excess = distance.isNaN ? .infinity : distance / allowed
    if excess > worst?.excess ?? 0 { worst = (index, excess) }
  }
  return worst.map {
    "element \($0.index) of \(actual.count): got \(actual[$0.index]), expected \(expected[$0.index]), "
      + "\($0.excess) times the tolerance"
  }
}

/// As `mismatch(_:_:_:)` on Doubles.
public func mismatch(_ actual: [Float], _ expected: [Double], _ tolerance: Tolerance) -> String? {
  mismatch(actual.map(Double.init), expected, tolerance)
}

/// As `mismatch(_:_:_:)` on Doubles, checking the shape too.
public func mismatch(
  _ actual: Tensor, _ expected: [Double], shape: Shape, _ tolerance: Tolerance
) -> String? {
  guard actual.shape == shape else { return "shape \(actual.shape), expected \(shape)" }
  return mismatch(actual.elements, expected, tolerance)
}

/// Compares two tensors element by element, shapes included.
public func mismatch(_ actual: Tensor, _ expected: Tensor, _ tolerance: Tolerance) -> String? {
  mismatch(actual, expected.elements.map(Double.init), shape: expected.shape, tolerance)
}
