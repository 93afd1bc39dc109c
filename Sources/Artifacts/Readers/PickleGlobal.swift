/// What the names of functions and classes in a pickle stand for. None is ever looked up or called: a name that tensors
/// need stands for what this reader does itself, and any other for a value that nobody looks into, whatever is called
/// or built with it. So no name can do harm here, and trainers may store what they like beside their weights.
///
/// Refused all the same is what starts programs, runs code, opens files or reads further pickles, and what is no name:
/// no trainer's file has it, and whoever opens an attacker's file here may open it with PyTorch next.
///
/// Source: `torch/_utils.py`, `torch/_tensor.py`, `torch/storage.py`, `torch/serialization.py`.
enum PickleGlobal: Equatable, Sendable {
  /// `collections.OrderedDict`: a dictionary, empty or of a list of pairs.
  case orderedDictionary
  /// `collections.defaultdict`: an empty dictionary, whatever its default.
  case defaultDictionary
  /// `_rebuild_tensor(storage, offset, size, stride)`, and `_rebuild_tensor_v2` with more arguments after these.
  case rebuildTensor
  /// `_rebuild_tensor_v3`: as v2, the element type being the seventh argument.
  case rebuildTypedTensor
  /// `_rebuild_parameter(data, ...)`, with or without state: the data.
  case rebuildParameter
  /// `_rebuild_from_type_v2(function, type, arguments, state)`: a tensor that carries attributes of Python.
  case rebuildWithState
  /// PyTorch's own types of tensors.
  case tensorType
  /// `torch.Size(extents)`: the extents.
  case size
  /// A kind of storage; nil for untyped bytes.
  case storage(WeightsFile.ElementType?)
  /// An element type by name, such as `torch.float32`.
  case elementType(WeightsFile.ElementType)
  /// Something that no tensor needs.
  case opaque

  /// What `module.name` stands for, nil if a pickle must not ask for it.
  static func named(_ module: String, _ name: String) -> PickleGlobal? {
    let full = module + "." + name
    if let known = known[full] { return known }
    return isName(full) && !isRefused(full) && !reachesInside(name) ? .opaque : nil
  }

  private static let known: [String: PickleGlobal] = {
    var known: [String: PickleGlobal] = [
      "collections.OrderedDict": .orderedDictionary,
      "collections.defaultdict": .defaultDictionary,
      "torch._utils._rebuild_tensor": .rebuildTensor,
      "torch._utils._rebuild_tensor_v2": .rebuildTensor,
      "torch._utils._rebuild_tensor_v3": .rebuildTypedTensor,
      "torch._utils._rebuild_parameter": .rebuildParameter,
      "torch._utils._rebuild_parameter_with_state": .rebuildParameter,
      "torch._tensor._rebuild_from_type_v2": .rebuildWithState,
      "torch.Tensor": .tensorType,
      "torch.nn.parameter.Parameter": .tensorType,
      "torch.nn.parameter.Buffer": .tensorType,
      "torch.Size": .size,
      "torch.storage.UntypedStorage": .storage(nil),
    ]
    for (storage, type) in storages {
      known["torch.\(storage)Storage"] = .storage(type)
      known["torch.\(type.name)"] = .elementType(type)
    }
    for (name, byteCount) in otherTypes {
      known["torch.\(name)"] = .elementType(.other(name, byteCount: byteCount))
    }
    return known
  }()

  private static let storages: [(String, WeightsFile.ElementType)] = [
    ("Double", .float64), ("Float", .float32), ("Half", .float16), ("BFloat16", .bfloat16), ("Long", .int64),
    ("Int", .int32), ("Short", .int16), ("Char", .int8), ("Byte", .uint8), ("Bool", .bool),
    ("ComplexFloat", .other("complex64", byteCount: 8)), ("ComplexDouble", .other("complex128", byteCount: 16)),
    ("QInt8", .other("qint8", byteCount: 1)), ("QUInt8", .other("quint8", byteCount: 1)),
    ("QInt32", .other("qint32", byteCount: 4)),
  ]

  /// Element types without a storage of their own.
  private static let otherTypes: [(String, Int)] = [
    ("complex32", 4), ("float8_e4m3fn", 1), ("float8_e4m3fnuz", 1), ("float8_e5m2", 1), ("float8_e5m2fnuz", 1),
    ("float8_e8m0fnu", 1), ("float4_e2m1fn_x2", 1), ("uint16", 2), ("uint32", 4), ("uint64", 8),
  ]

  /// Names and beginnings of names.
  private static let refused: Set<String> = {
    let names = [
      "os", "posix", "nt", "sys", "subprocess", "_posixsubprocess", "commands", "pty", "shutil", "socket", "ctypes",
      "_ctypes", "runpy", "importlib", "imp", "code", "codeop", "marshal", "pickle", "_pickle", "cPickle", "pdb",
      "bdb", "timeit", "profile", "cProfile", "webbrowser", "torch.load", "torch.hub", "torch.jit.load",
      "torch.storage._load_from_bytes",
    ]
    let builtins = [
      "eval", "exec", "execfile", "compile", "open", "file", "input", "raw_input", "breakpoint", "apply", "__import__",
    ]
    return Set(names + builtins.flatMap { ["builtins." + $0, "__builtin__." + $0] })
  }()

  private static func isRefused(_ name: String) -> Bool {
    var beginning = ""
    return name.split(separator: ".").contains { part in
      beginning += beginning.isEmpty ? String(part) : "." + part
      return refused.contains(beginning)
    }
  }

  /// Python's identifiers, joined by dots.
  private static func isName(_ text: String) -> Bool {
    text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
      !part.isEmpty && part.allSatisfy { $0 == "_" || $0.isLetter || $0.isNumber }
    }
  }

  /// Whether a name leads through something into its interpreter's own parts, as `function.__globals__` does.
  private static func reachesInside(_ name: String) -> Bool {
    name.contains(".") && name.split(separator: ".").contains { $0.hasPrefix("__") && $0.hasSuffix("__") }
  }
}
