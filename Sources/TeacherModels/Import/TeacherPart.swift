import Artifacts
import NN
import TensorCore

/// A state dictionary that is known by its names: half a teacher, or DD1's network in place of its transformer.
struct TeacherPart: Sendable {
  /// What the state dictionary is of.
  enum Kind: Sendable, CaseIterable {
    case varDD1, varTransformer, varTokenizer, llamaGenDD1, llamaGenTransformer, llamaGenTokenizer

    /// Names that no other kind has, and every one of this kind; DD1 keeps a family's names and adds to them.
    fileprivate var marks: [String] {
      switch self {
      case .varDD1: ["n_d_embed.weight", "pos_1LC"]
      case .varTransformer: ["pos_1LC"]
      case .varTokenizer: ["encoder.down.0.block.0.conv1.weight"]
      case .llamaGenDD1: ["n_d_embed.weight", "tok_embeddings.bias"]
      case .llamaGenTransformer: ["tok_embeddings.weight"]
      case .llamaGenTokenizer: ["encoder.conv_blocks.0.res.0.conv1.weight"]
      }
    }

    var isTransformer: Bool { self != .varTokenizer && self != .llamaGenTokenizer }
    var isDD1: Bool { self == .varDD1 || self == .llamaGenDD1 }
    var family: String { [.varDD1, .varTransformer, .varTokenizer].contains(self) ? "VAR" : "LlamaGen" }
  }

  let kind: Kind
  let names: NamedShapes

  /// Where it stands, for messages.
  var place: String {
    let location = names.weights.location
    return location.isEmpty ? "the top level of \(names.path)" : "\(location) in \(names.path)"
  }

  /// Whether it is the running mean of weights that stand beside it, which DD1's own programs sample from.
  var isAveraged: Bool { names.weights.location.split(separator: ".").last?.hasPrefix("ema") == true }

  /// The parts in a file.
  /// - Parameter locations: the only dictionaries to look at, if any of them is in the file; empty looks at all.
  /// - Throws: `ArtifactError.wrongFormat` where there is none.
  static func find(in file: WeightsFile, locations: [String]) throws -> [TeacherPart] {
    let groups = file.groups.filter { $0.ownTensorCount > 0 }
    let chosen = groups.filter { locations.contains($0.name) }
    let parts = try (chosen.isEmpty ? groups : chosen).compactMap { group in
      try recognized(try file.stateDictionary(at: group.name))
    }
    guard !parts.isEmpty else {
      let some = file.entries.prefix(3).map(\.name).joined(separator: ", ")
      throw ArtifactError.wrongFormat(
        path: file.path, detail: "neither transformer nor tokenizer of VAR or LlamaGen (it holds \(some))")
    }
    return parts
  }

  private static func recognized(_ weights: WeightsFile) throws -> TeacherPart? {
    let plain = Set(weights.plainNames().values)
    guard let kind = Kind.allCases.first(where: { plain.isSuperset(of: $0.marks) }) else { return nil }
    return TeacherPart(kind: kind, names: NamedShapes(weights: try weights.unwrapped()))
  }

  /// What programs keep beside the weights while they sample: the table of rotations, the mask, keys and values.
  private static let buffers: Set<Substring> = ["freqs_cis", "causal_mask", "kv_cache"]

  /// Compares names and shapes with a network's parameters.
  /// - Parameters:
  ///   - expected: the parameters.
  ///   - ignored: what the file may hold besides and besides buffers, with its shape.
  /// - Returns: the names of what it does hold besides.
  /// - Throws: `ArtifactError.wrongFormat` that names what differs, `.unsupported` for a weight of elements that dd2 does
  ///   not read.
  func check(_ expected: ParameterSet, ignored: [String: [Int]]) throws -> [String] {
    var shapes: [String: Shape] = [:]
    var left: [String] = []
    for entry in names.weights.entries {
      guard !entry.name.split(separator: ".").contains(where: Self.buffers.contains) else {
        left.append(entry.name)
        continue
      }
      guard let shape = ignored[entry.name] else {
        shapes[entry.name] = Shape(entry.shape)
        continue
      }
      guard entry.shape == shape else {
        throw names.wrong("\(entry.name) has shape \(entry.shape) where \(shape) is expected")
      }
      left.append(entry.name)
    }
    do {
      try expected.check(shapes)
    } catch let error as StateDictError {
      throw names.wrong(error.description)
    }
    for parameter in expected.parameters {
      if case .other(let type, _)? = names.weights.entry(parameter.path)?.type {
        throw ArtifactError.unsupported(path: names.path, detail: "the weight \(parameter.path) is of type \(type)")
      }
    }
    return left
  }

  /// A weight as `Float`.
  /// - Throws: `ArtifactError.wrongFormat` where it holds integers, `.corrupt` where it holds NaN or infinity, and
  ///   as `WeightsFile.array`.
  func weight(_ name: String) throws -> HostArray {
    let array = try names.weights.array(name)
    switch array.elements {
    case .float32, .float64: break
    case .int64, .uint8: throw names.wrong("\(name) holds integers where weights are expected")
    }
    let floats = array.floats
    guard floats.allSatisfy(\.isFinite) else {
      throw ArtifactError.corrupt(path: names.path, detail: "\(name) holds NaN or infinity")
    }
    return HostArray(shape: array.shape, floats)
  }
}
