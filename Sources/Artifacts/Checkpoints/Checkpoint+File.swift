extension Checkpoint {
  /// The value of the `format` attribute by which the files are known.
  static let format = "dd2"
  private static let reserved: Set<String> = ["format", "version", "kind", "config", "created_by"]

  /// Writes the checkpoint so that a killed process leaves the old file or the new one.
  ///
  /// Throws `ArtifactError.cannotCreate`, `.inputOutput`, or `.invalidName` if a name cannot be stored.
  public func write(to path: String) throws {
    try write(to: path, adding: [:]) { group, name in
      throw ArtifactError.missingDataset(path: path, name: "/\(group)/\(name)")
    }
  }

  /// As `write(to:)`, with further arrays that are made one after the other, for weights that do not fit into memory
  /// twice.
  /// - Parameters:
  ///   - names: the arrays' names by group, beyond those that the groups have already.
  ///   - array: the array of a group and name; what it throws ends the writing, and no file is left.
  public func write(
    to path: String, adding names: [String: [String]],
    array: (_ group: String, _ name: String) throws -> HostArray
  ) throws {
    let writer = try HDF5Writer(path: path)
    defer { writer.abandon() }
    try writer.setAttribute("format", .string(Self.format))
    try writer.setAttribute("version", .int(Int64(version)))
    try writer.setAttribute("kind", .string(kind))
    try writer.setAttribute("config", .string(config))
    try writer.setAttribute("created_by", .string(createdBy))
    for (name, text) in metadata.sorted(by: { $0.key < $1.key }) {
      guard !Self.reserved.contains(name) else {
        throw ArtifactError.invalidName(path: path, name: name, detail: "the format uses it itself")
      }
      try writer.setAttribute(name, .string(text))
    }
    for group in Set(groups.keys).union(names.keys).sorted() {
      guard !group.contains("/") else {
        throw ArtifactError.invalidName(path: path, name: group, detail: "a group's name holds no /")
      }
      try writer.createGroup("/" + group)
      let known = groups[group] ?? [:]
      for name in (known.keys + names[group, default: []]).sorted() {
        try writer.write(try known[name] ?? array(group, name), to: "/\(group)/\(name)")
      }
    }
    try writer.finish()
  }

  /// Reads a checkpoint with all its groups.
  ///
  /// Throws the errors of `HDF5File`, and `ArtifactError.wrongFormat` if the file is no dd2 checkpoint or of
  /// a newer layout, or of another kind than asked for.
  public static func read(from path: String, expectingKind kind: String? = nil) throws -> Checkpoint {
    try load(from: path, expectingKind: kind, groups: nil)
  }

  /// Reads only the named groups, as a sampler needs no more than `ema`; nil reads all. The file's `kind` is
  /// checked first if one is expected.
  ///
  /// Throws as `read(from:)`, and `ArtifactError.missingDataset` if a named group is not in the file.
  public static func load(
    from path: String, expectingKind kind: String? = nil, groups names: [String]?
  ) throws -> Checkpoint {
    if let kind { try refuseOthers(path, expecting: kind) }
    let file = try HDF5File(reading: path)
    var checkpoint = try header(of: file)
    if let kind, kind != checkpoint.kind {
      throw ArtifactError.wrongFormat(
        path: path, detail: "a checkpoint of kind \"\(checkpoint.kind)\", not \"\(kind)\"")
    }
    let wanted = try names ?? file.groupNames(recursive: false).map { String($0.dropFirst()) }
    for group in wanted {
      let prefix = "/\(group)/"
      var arrays: Arrays = [:]
      for name in try file.datasetNames(under: "/" + group) {
        arrays[String(name.dropFirst(prefix.count))] = try file.read(name)
      }
      checkpoint.groups[group] = arrays
    }
    return checkpoint
  }

  /// Throws `ArtifactError.wrongFormat` for a file of another format, saying which command makes a checkpoint of this
  /// kind, and `.missingFile`, `.notReadable` or `.inputOutput` where there is none to look at.
  public static func refuseOthers(_ path: String, expecting kind: String) throws {
    let found = try FileKind(ofFile: path)
    switch found {
    case .hdf5, .unknown: return
    case .pytorch, .safetensors, .numPyArray, .numPyArchive:
      let maker =
        switch kind {
        case "teacher", "features": "'dd2 weights import' makes one of PyTorch's files and safetensors"
        case "generator": "'dd2 distill' makes one"
        default: "runs of dd2 make them"
        }
      throw ArtifactError.wrongFormat(
        path: path, detail: found.mismatch("not dd2's own of kind \"\(kind)\" (\(maker))"))
    default: throw ArtifactError.wrongFormat(path: path, detail: found.mismatch("not an HDF5 file"))
    }
  }

  /// Everything but the arrays.
  private static func header(of file: HDF5File) throws -> Checkpoint {
    let attributes = try file.attributes()
    guard let found = attributes["format"]?.string, found == format else {
      let found = attributes["format"].map { "format \($0)" } ?? "no format attribute"
      throw ArtifactError.wrongFormat(path: file.path, detail: "not a dd2 checkpoint (\(found))")
    }
    guard let version = attributes["version"]?.int, version >= 1 else {
      throw ArtifactError.corrupt(path: file.path, detail: "the attribute version is missing or no number")
    }
    guard version <= currentVersion else {
      throw ArtifactError.wrongFormat(
        path: file.path, detail: "layout version \(version), newer than this program's \(currentVersion)")
    }
    func text(_ name: String) throws -> String {
      guard let text = attributes[name]?.string else {
        throw ArtifactError.corrupt(path: file.path, detail: "the attribute \(name) is missing or no text")
      }
      return text
    }
    var checkpoint = Checkpoint(
      kind: try text("kind"), config: try text("config"), createdBy: try text("created_by"))
    checkpoint.version = Int(version)
    checkpoint.metadata = attributes.compactMapValues(\.string).filter { !reserved.contains($0.key) }
    return checkpoint
  }
}
