import TensorCore

/// Why weights could not be loaded into a network.
public enum StateDictError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Entries do not fit: all that are missing, all that are left over, all of another shape.
  case mismatch(missing: [String], unexpected: [String], misshapen: [String])

  /// One line that names the first entries of each kind.
  public var description: String {
    guard case .mismatch(let missing, let unexpected, let misshapen) = self else { return "" }
    let parts = [("missing", missing), ("unexpected", unexpected), ("wrong shape", misshapen)]
      .filter { !$0.1.isEmpty }
      .map { kind, names in
        let more = names.count > 3 ? " and \(names.count - 3) more" : ""
        return "\(kind): \(names.prefix(3).joined(separator: ", "))\(more)"
      }
    return "weights do not fit the network; " + parts.joined(separator: "; ")
  }
}

/// Named tensors: what a checkpoint holds and what a network starts from. Names are the reference implementation's
/// state-dict keys, such as `blocks.0.attn.mat_qkv.weight`.
public struct StateDict: Sendable {
  /// The tensors by name.
  public var entries: [String: Tensor]

  /// A state dict of the given tensors.
  public init(_ entries: [String: Tensor] = [:]) { self.entries = entries }

  /// The tensor of a name.
  public subscript(name: String) -> Tensor? {
    get { entries[name] }
    set { entries[name] = newValue }
  }

  /// Elements of all tensors.
  public var elementCount: Int { entries.values.reduce(0) { $0 + $1.shape.count } }

  /// Names in ascending order.
  public var names: [String] { entries.keys.sorted() }

  /// The entries below `prefix.`, without it.
  public func removingPrefix(_ prefix: String) -> StateDict {
    var result = StateDict()
    for (name, tensor) in entries where name.hasPrefix(prefix + ".") {
      result[String(name.dropFirst(prefix.count + 1))] = tensor
    }
    return result
  }

  /// All entries with `prefix.` before their names.
  public func addingPrefix(_ prefix: String) -> StateDict {
    StateDict(Dictionary(uniqueKeysWithValues: entries.map { ("\(prefix).\($0.key)", $0.value) }))
  }

  /// The entries whose names satisfy a condition.
  public func filter(_ isIncluded: (String) -> Bool) -> StateDict {
    StateDict(entries.filter { isIncluded($0.key) })
  }

  /// The same tensors, for who reads one after the other.
  public var source: TensorSource {
    TensorSource(shapes: entries.mapValues(\.shape)) { [entries] name in
      guard let tensor = entries[name] else { preconditionFailure("StateDict.source: no \(name)") }
      return tensor
    }
  }

  /// Both together; names must not collide.
  public func merging(_ other: StateDict) -> StateDict {
    StateDict(
      entries.merging(other.entries) { _, _ in preconditionFailure("StateDict.merging: a name stands in both") })
  }
}
