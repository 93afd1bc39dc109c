/// The names that a pickle may ask for: what tensors need, and a few harmless ones that checkpoints carry along.
/// None is ever looked up or called; each stands for what this reader does itself.
///
/// Source: `torch/_utils.py`, `torch/storage.py`, `torch/serialization.py`.
enum PickleGlobal: Equatable, Sendable {
  /// `collections.OrderedDict`: an empty dictionary.
  case orderedDictionary
  /// `_rebuild_tensor(storage, offset, size, stride)`, and `_rebuild_tensor_v2` with more arguments after these.
  case rebuildTensor
  /// `_rebuild_tensor_v3`: as v2, the element type being the seventh argument.
  case rebuildTypedTensor
  /// `_rebuild_parameter(data, ...)`, with or without state: the data.
  case rebuildParameter
  /// `torch.Size(extents)`: the extents.
  case size
  /// A kind of storage; nil for untyped bytes.
  case storage(WeightsFile.ElementType?)
  /// An element type by name, such as `torch.float32`.
  case elementType(WeightsFile.ElementType)
  /// Something whose value does not matter, such as the settings of a run.
  case ignored

  /// What `module.name` stands for, nil if a pickle must not ask for it.
  static func named(_ name: String) -> PickleGlobal? { allowed[name] }

  private static let allowed: [String: PickleGlobal] = {
    var allowed: [String: PickleGlobal] = [
      "collections.OrderedDict": .orderedDictionary,
      "torch._utils._rebuild_tensor": .rebuildTensor,
      "torch._utils._rebuild_tensor_v2": .rebuildTensor,
      "torch._utils._rebuild_tensor_v3": .rebuildTypedTensor,
      "torch._utils._rebuild_parameter": .rebuildParameter,
      "torch._utils._rebuild_parameter_with_state": .rebuildParameter,
      "torch.Size": .size,
      "torch.storage.UntypedStorage": .storage(nil),
      "torch.device": .ignored,
      "argparse.Namespace": .ignored,
      // Bytes, in protocol 2, which has no instruction for them.
      "_codecs.encode": .ignored,
    ]
    for (storage, type) in storages {
      allowed["torch.\(storage)Storage"] = .storage(type)
      allowed["torch.\(type.rawValue)"] = .elementType(type)
    }
    return allowed
  }()

  private static let storages: [(String, WeightsFile.ElementType)] = [
    ("Double", .float64), ("Float", .float32), ("Half", .float16), ("BFloat16", .bfloat16), ("Long", .int64),
    ("Int", .int32), ("Short", .int16), ("Char", .int8), ("Byte", .uint8), ("Bool", .bool),
  ]
}
