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

/// Whether all outputs of a network were finite, gathered on the backend and looked at once, after the steps that made
/// them: tokens chosen by NaN would look like any others.
public struct OutputCheck {
  private let network: String
  private var flag: Tensor?

  /// - Parameter network: whose outputs they are.
  public init(_ network: String) { self.network = network }

  /// Adds an output.
  public mutating func add(_ output: Tensor) {
    let finiteness = output.finiteness
    flag = flag.map { $0 * finiteness } ?? finiteness
  }

  /// Looks, which waits for the outputs.
  /// - Throws: `NonFiniteOutput`.
  public func verify() throws(NonFiniteOutput) {
    if let flag, flag.item != 1 { throw NonFiniteOutput(network: network) }
  }

  /// Runs `body` as one step, then looks at the outputs that it added.
  /// - Parameter network: whose outputs they are.
  /// - Throws: `NonFiniteOutput`.
  public static func step<Result>(
    _ network: String, _ body: (inout OutputCheck) -> Result
  ) throws(NonFiniteOutput) -> Result {
    var check = OutputCheck(network)
    let result = Backends.step { body(&check) }
    try check.verify()
    return result
  }
}

extension String {
  /// Networks in `OutputCheck`.
  static let teacherTransformer = "teacher's transformer"
  static let encoder = "tokenizer's encoder"
  static let decoder = "tokenizer's decoder"
}
