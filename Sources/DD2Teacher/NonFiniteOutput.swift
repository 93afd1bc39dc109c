import TensorCore

/// A network of finite weights gave a value that is not finite; `description` is one line.
public struct NonFiniteOutput: Error, Equatable, Sendable, CustomStringConvertible {
  /// The network whose output it is.
  public let network: String

  /// The output of a network, by the network's name.
  public init(network: String) { self.network = network }

  public var description: String {
    "the output of the \(network) is not finite; its weights are too large for float32: check where its file comes from"
  }
}

extension Tensor {
  /// This tensor, where all its elements are finite: tokens chosen by NaN would look like any others.
  /// - Parameter network: whose output it is.
  /// - Throws: `NonFiniteOutput`.
  public func checked(outputOf network: String) throws(NonFiniteOutput) -> Tensor {
    guard isFinite else { throw NonFiniteOutput(network: network) }
    return self
  }
}
