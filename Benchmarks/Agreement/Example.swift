import TensorCore

/// An operation on inputs of its own, whose results two backends should agree about.
public struct Example {
  /// What is compared.
  public let name: String
  /// Allowed distance of each element, `absolute + relative |expected|`.
  public let absolute, relative: Double
  private let body: () throws -> [[Float]]

  /// What is computed on the current backend: the elements of every result.
  /// - Throws: what its body throws.
  public func outcome() throws -> [[Float]] { try body() }

  /// Anything whose results are on the host. Tensors are made within `body`.
  public init(_ name: String, absolute: Double = 0, relative: Double = 0, _ body: @escaping () throws -> [[Float]]) {
    (self.name, self.absolute, self.relative, self.body) = (name, absolute, relative, body)
  }

  /// An operation on tensors, which are drawn from a normal distribution times `scale` plus `offset`: its values and, where it
  /// is differentiated, the gradients of all inputs for random gradients of the results.
  public init(
    _ name: String, _ shapes: [Shape], scale: Float = 1, offset: Float = 0, absolute: Double = 2e-5,
    relative: Double = 2e-5, isDifferentiated: Bool = true, _ operation: @escaping ([Tensor]) -> [Tensor]
  ) {
    func normal(_ shape: Shape, seed: UInt64, index: Int) -> [Float] {
      var stream = RandomStream(seed: seed, purpose: name, index: index)
      return (0..<shape.count).map { _ in stream.normal() }
    }
    self.init(name, absolute: absolute, relative: relative) {
      let inputs = shapes.enumerated().map { index, shape in
        Tensor(normal(shape, seed: 7, index: index).map { $0 * scale + offset }, shape).asLeaf()
      }
      let results = operation(inputs)
      let values = results.map(\.elements)
      guard isDifferentiated else { return values }
      let loss = results.enumerated().reduce(Tensor(0)) { sum, entry in
        let (index, result) = entry
        return sum + (result * Tensor(normal(result.shape, seed: 8, index: index), result.shape)).sum()
      }
      return values + loss.gradients(withRespectTo: inputs).map(\.elements)
    }
  }
}

/// How far what one backend computes is from what another does.
public struct Agreement: Sendable {
  /// The largest distance of two elements; infinite where one is not a number, or where counts differ.
  public private(set) var difference = 0.0
  /// The largest distance as a part of what is allowed there: 1 and less is agreement.
  public private(set) var share = 0.0

  /// What an example gives on a device, against the processors.
  /// - Throws: what the example throws.
  public init(of example: Example, on device: any Backend) throws {
    let expected = try Backends.$override.withValue(Backends.cpu) { try example.outcome() }
    let found = try Backends.$override.withValue(device) { try example.outcome() }
    self.init(found, expected, absolute: example.absolute, relative: example.relative)
  }

  /// Elements against those that are expected.
  public init(_ found: [[Float]], _ expected: [[Float]], absolute: Double, relative: Double) {
    guard found.map(\.count) == expected.map(\.count) else {
      (difference, share) = (.infinity, .infinity)
      return
    }
    for (a, b) in zip(found.joined(), expected.joined()) where a != b {
      let distance = abs(Double(a) - Double(b))
      difference = max(difference, distance.isNaN ? .infinity : distance)
      share = max(share, distance.isNaN ? .infinity : distance / (absolute + relative * Double(b.magnitude)))
    }
  }
}
