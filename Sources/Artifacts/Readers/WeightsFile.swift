/// A file of weights as others write them: PyTorch's `.pth` and `.pt`, old and new, and safetensors. What kind it is
/// shows in its first bytes; the name does not matter.
///
/// The file is mapped and a tensor converted when it is asked for, so that a file needs hardly more memory than the
/// tensors that are kept of it. Nothing in the file is executed. Reading checks what the format allows to check:
/// bounds always, checksums in zip files.
public struct WeightsFile: Sendable {
  /// How a file is laid out.
  public enum Format: String, Sendable {
    /// `torch.save` since PyTorch 1.6, a zip archive.
    case pytorch
    /// `torch.save` before 1.6.
    case pytorchLegacy = "pytorch (before 1.6)"
    case safetensors
  }

  /// How an element is stored.
  public enum ElementType: Sendable, Equatable {
    case float64, float32, float16, bfloat16, int64, int32, int16, int8, uint8, bool
    /// One that dd2 does not read, by the file's name for it; the size is nil where it is not known.
    case other(String, byteCount: Int?)

    /// Bytes of an element; nil where that is not known.
    public var byteCount: Int? {
      switch self {
      case .float64, .int64: 8
      case .float32, .int32: 4
      case .float16, .bfloat16, .int16: 2
      case .int8, .uint8, .bool: 1
      case .other(_, let byteCount): byteCount
      }
    }

    /// What it is called.
    public var name: String {
      if case .other(let name, _) = self { name } else { "\(self)" }
    }
  }

  /// A tensor's description.
  public struct Entry: Sendable, Equatable {
    /// Its name within the dictionary: keys joined by dots.
    public let name: String
    public let type: ElementType
    /// Extents, slowest axis first; empty for a scalar.
    public let shape: [Int]
  }

  /// A dictionary in the file that holds tensors.
  public struct Group: Sendable, Equatable {
    /// Keys on the way to it, joined by dots; empty for the file's top level.
    public let name: String
    /// Tensors in it at any depth.
    public let tensorCount: Int
    /// Tensors that are its own members.
    public let ownTensorCount: Int
  }

  /// Where the file is.
  public let path: String
  public let format: Format
  /// Which dictionary of the file this is; empty for all of it.
  public let location: String
  /// The dictionaries in it that hold tensors, itself included, sorted by name.
  public let groups: [Group]
  /// The tensors, sorted by name.
  public let entries: [Entry]

  private let tensors: [String: StoredTensor]

  /// Opens a file and checks its structure; no element is read yet.
  ///
  /// Throws `ArtifactError.missingFile`, `.notReadable`, `.wrongFormat` if it is no file of weights, `.corrupt` if it
  /// is damaged, cut short or contradicts itself, `.unsupported`, `.tooLarge`, or `.forbiddenGlobal` if its pickle
  /// asks for something that runs programs.
  public static func open(_ path: String) throws -> WeightsFile {
    let bytes = MappedBytes(try MappedFile(path))
    if PyTorchLegacy.matches(bytes) {
      return WeightsFile(path: path, format: .pytorchLegacy, contents: try PyTorchLegacy.read(bytes))
    }
    let other = FileKind.mismatch(bytes, expected: "neither a PyTorch file nor safetensors")
    switch bytes.int(UInt32.self, at: 0) {
    // Local header; end record of an empty archive.
    case 0x0403_4b50, 0x0605_4b50:
      guard FileKind(bytes) != .numPyArchive else { throw other }
      return WeightsFile(path: path, format: .pytorch, contents: try PyTorchArchive.read(bytes))
    default:
      guard Safetensors.matches(bytes) else { throw other }
      return WeightsFile(path: path, format: .safetensors, contents: try Safetensors.read(bytes))
    }
  }

  private init(path: String, format: Format, location: String = "", contents: WeightsContents) {
    self.path = path
    self.format = format
    self.location = location
    groups = contents.groups.sorted { $0.name < $1.name }
    tensors = contents.tensors
    entries = tensors.map { Entry(name: $0.key, type: $0.value.type, shape: $0.value.shape) }
      .sorted { $0.name < $1.name }
  }

  /// The description of a tensor, nil if there is none of that name.
  public func entry(_ name: String) -> Entry? {
    tensors[name].map { Entry(name: name, type: $0.type, shape: $0.shape) }
  }

  /// A tensor's elements, row-major whatever its strides: `Float` for float16, bfloat16 and float32, `Double` for
  /// float64, `UInt8` for uint8 and bool, `Int64` for other integers; all exact.
  ///
  /// Throws `ArtifactError.missingDataset` if there is no such tensor, `.corrupt` if its checksum is wrong,
  /// `.unsupported` if its elements are of another type, `.inputOutput` if the file was written into since it was
  /// opened.
  public func array(_ name: String) throws -> HostArray {
    guard let tensor = tensors[name] else {
      let full = location.isEmpty ? name : location + "." + name
      throw ArtifactError.missingDataset(path: path, name: full.inMessage)
    }
    return try tensor.array(named: name)
  }

  /// The same tensors under other names, each of its own.
  func renamed(_ names: [String: String]) -> WeightsFile {
    var contents = WeightsContents()
    contents.tensors = Dictionary(uniqueKeysWithValues: tensors.map { (names[$0.key] ?? $0.key, $0.value) })
    contents.groups = groups
    return WeightsFile(path: path, format: format, location: location, contents: contents)
  }

  /// The tensors and dictionaries whose names continue `location`, named from there.
  func narrowed(to inner: String) -> WeightsFile {
    guard !inner.isEmpty else { return self }
    let prefix = inner + "."
    var inside = WeightsContents()
    for (name, tensor) in tensors where name.hasPrefix(prefix) {
      inside.tensors[String(name.dropFirst(prefix.count))] = tensor
    }
    for group in groups where group.name == inner || group.name.hasPrefix(prefix) {
      let name = String(group.name.dropFirst(prefix.count))
      inside.groups.append(Group(name: name, tensorCount: group.tensorCount, ownTensorCount: group.ownTensorCount))
    }
    return WeightsFile(
      path: path, format: format, location: location.isEmpty ? inner : location + "." + inner, contents: inside)
  }
}
