/// A dense array in ordinary memory: what files hold before a backend takes it and after it gives it back.
public struct HostArray: Sendable, Equatable {
  /// The elements, row-major, in one of the four kinds that files are read as.
  public enum Elements: Sendable, Equatable {
    case float32([Float])
    case float64([Double])
    case int64([Int64])
    case uint8([UInt8])

    /// How many elements there are.
    public var count: Int {
      switch self {
      case .float32(let values): values.count
      case .float64(let values): values.count
      case .int64(let values): values.count
      case .uint8(let values): values.count
      }
    }
  }

  /// Extents, slowest axis first; empty for a scalar.
  public let shape: [Int]
  /// As many elements as the extents multiply to.
  public let elements: Elements

  /// Precondition: `elements.count` is the product of `shape`.
  public init(shape: [Int], elements: Elements) {
    let count = shape.contains(0) ? 0 : shape.reduce(1, *)
    precondition(
      elements.count == count, "HostArray: shape \(shape) needs \(count) elements, got \(elements.count)")
    self.shape = shape
    self.elements = elements
  }

  /// An array of single floats.
  public init(shape: [Int], _ values: [Float]) { self.init(shape: shape, elements: .float32(values)) }
  /// An array of double floats.
  public init(shape: [Int], _ values: [Double]) { self.init(shape: shape, elements: .float64(values)) }
  /// An array of integers.
  public init(shape: [Int], _ values: [Int64]) { self.init(shape: shape, elements: .int64(values)) }
  /// An array of bytes.
  public init(shape: [Int], _ values: [UInt8]) { self.init(shape: shape, elements: .uint8(values)) }

  /// A scalar.
  public init(_ value: Double) { self.init(shape: [], [value]) }
  /// A scalar.
  public init(_ value: Int64) { self.init(shape: [], [value]) }

  /// How many elements there are.
  public var count: Int { elements.count }

  /// The elements as `Float`, rounded to nearest where they are wider.
  public var floats: [Float] {
    switch elements {
    case .float32(let values): values
    case .float64(let values): values.map(Float.init)
    case .int64(let values): values.map(Float.init)
    case .uint8(let values): values.map(Float.init)
    }
  }

  /// The elements as `Double`, rounded to nearest where they are integers beyond 2^53.
  public var doubles: [Double] {
    switch elements {
    case .float32(let values): values.map(Double.init)
    case .float64(let values): values
    case .int64(let values): values.map(Double.init)
    case .uint8(let values): values.map(Double.init)
    }
  }

  /// The elements as integers, nil if any of them is not exactly one.
  public var ints: [Int]? {
    switch elements {
    case .float32(let values): exactIntegers(values)
    case .float64(let values): exactIntegers(values)
    case .int64(let values): values.map(Int.init)
    case .uint8(let values): values.map(Int.init)
    }
  }

  private func exactIntegers(_ values: [some BinaryFloatingPoint]) -> [Int]? {
    let integers = values.compactMap { Int(exactly: $0) }
    return integers.count == values.count ? integers : nil
  }
}
