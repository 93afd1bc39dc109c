import TensorCore

/// How a parameter is drawn before training.
public enum Initializer: Sendable {
  /// Every element equal.
  case constant(Float)
  /// Normal with the given standard deviation.
  case normal(Float)

  /// All zeros.
  public static var zeros: Initializer { .constant(0) }
  /// All ones.
  public static var ones: Initializer { .constant(1) }

  func tensor(_ shape: Shape, seed: UInt64?, path: String) -> Tensor {
    guard let seed else { return .unfilled(shape) }
    switch self {
    case .constant(let value): return Tensor(repeating: value, shape)
    case .normal(let deviation):
      return RandomNumbers(seed: seed, purpose: "initial." + path).normal([1, shape.count]).reshaped(shape) * deviation
    }
  }
}

/// A trained tensor with its path in the network.
public struct Parameter: Sendable {
  /// State-dict key.
  public let path: String
  /// A leaf of the graph; optimisers update it in place.
  public let value: Tensor
  /// Whether weight decay pulls it toward zero.
  public let isDecayed: Bool
}

/// All parameters of one network, in order of creation. Layers hold the same tensors; this is their registry.
public final class ParameterSet: @unchecked Sendable {
  /// In order of creation.
  public private(set) var parameters: [Parameter] = []
  private var paths: Set<String> = []

  /// An empty set.
  public init() {}

  func register(_ path: String, _ value: Tensor, isDecayed: Bool) -> Tensor {
    precondition(paths.insert(path).inserted, "ParameterSet: \(path) is registered twice")
    let leaf = value.asLeaf()
    parameters.append(Parameter(path: path, value: leaf, isDecayed: isDecayed && leaf.shape.rank >= 2))
    return leaf
  }

  /// The leaves, in order, for `gradients(withRespectTo:)`.
  public var values: [Tensor] { parameters.map(\.value) }

  /// Number of trained scalars.
  public var count: Int { parameters.reduce(0) { $0 + $1.value.count } }

  /// All values themselves, no copies: they change with the next update.
  public var current: StateDict { StateDict(Dictionary(uniqueKeysWithValues: parameters.map { ($0.path, $0.value) })) }

  /// A snapshot: copies of all values, or of those whose paths satisfy a condition.
  public func stateDict(where isIncluded: (String) -> Bool = { _ in true }) -> StateDict {
    let included = parameters.filter { isIncluded($0.path) }
    return StateDict(Dictionary(uniqueKeysWithValues: included.map { ($0.path, $0.value.copy()) }))
  }

  /// Overwrites all values, in place.
  /// - Throws: `StateDictError` where entries are missing, left over or of another shape; nothing is changed then.
  public func load(_ state: StateDict) throws { try load(state.source) }

  /// As `load(_:)`, reading one tensor after the other, so that no second copy of all weights is ever in memory.
  /// - Throws: also what the source's reading throws; some values are overwritten then.
  public func load(_ source: TensorSource) throws {
    try check(source.shapes)
    for parameter in parameters { parameter.value.assign(try source.read(parameter.path)) }
  }

  /// Compares names and shapes with those of the parameters.
  /// - Throws: `StateDictError` where they differ.
  public func check(_ shapes: [String: Shape]) throws {
    var missing: [String] = []
    var misshapen: [String] = []
    for parameter in parameters {
      guard let shape = shapes[parameter.path] else {
        missing.append(parameter.path)
        continue
      }
      if shape != parameter.value.shape {
        misshapen.append("\(parameter.path) is \(shape), expected \(parameter.value.shape)")
      }
    }
    let unexpected = shapes.keys.filter { !paths.contains($0) }.sorted()
    guard missing.isEmpty, misshapen.isEmpty, unexpected.isEmpty else {
      throw StateDictError.mismatch(missing: missing, unexpected: unexpected, misshapen: misshapen)
    }
  }
}

/// Hands out the parameters of a network by path and shape while it is being built.
public struct ParameterBuilder: Sendable {
  /// The registry that is filled.
  public let set: ParameterSet
  private let prefix: String
  private let seed: UInt64?

  /// A builder at the root of a network.
  /// - Parameter seed: initial values depend on it and on the parameter's path alone; nil leaves them unset, for a
  ///   network that is loaded before it is used.
  public init(_ set: ParameterSet, seed: UInt64?) {
    self.init(set: set, prefix: "", seed: seed)
  }

  private init(set: ParameterSet, prefix: String, seed: UInt64?) {
    self.set = set
    self.prefix = prefix
    self.seed = seed
  }

  /// The builder of a part: `builder / "attn"`.
  public static func / (builder: ParameterBuilder, name: String) -> ParameterBuilder {
    ParameterBuilder(set: builder.set, prefix: builder.path(name), seed: builder.seed)
  }

  /// The builder of a numbered part: `builder / 3`.
  public static func / (builder: ParameterBuilder, index: Int) -> ParameterBuilder { builder / String(index) }

  /// Registers a parameter and returns its leaf tensor.
  /// - Parameter isDecayed: whether weight decay pulls it toward zero; never where it is a vector, as biases and the
  ///   scales of norms are.
  public func parameter(
    _ name: String, _ shape: Shape, _ initializer: Initializer, isDecayed: Bool = true
  ) -> Tensor {
    set.register(path(name), initializer.tensor(shape, seed: seed, path: path(name)), isDecayed: isDecayed)
  }

  /// Registers a parameter with given initial elements.
  public func parameter(_ name: String, initial: Tensor) -> Tensor {
    set.register(path(name), initial.copy(), isDecayed: true)
  }

  private func path(_ name: String) -> String { prefix.isEmpty ? name : "\(prefix).\(name)" }
}
