/// Files of `torch.save` since PyTorch 1.6: a zip archive with `NAME/data.pkl`, which describes the tensors, and
/// `NAME/data/KEY`, the bytes of each storage.
///
/// Source: `torch/serialization.py`, `_save` and `_load`; `caffe2/serialize/inline_container.h`.
enum PyTorchArchive {
  /// Throws `ArtifactError.wrongFormat` for another kind of zip archive, `.corrupt`, `.unsupported`, `.tooLarge`, and
  /// `.forbiddenGlobal` as `PickleMachine`.
  static func read(_ bytes: MappedBytes) throws -> WeightsContents {
    let archive = try ZipArchive(bytes)
    let folder = try folder(of: archive)
    guard let pickled = try archive.stored(folder + "data.pkl") else { return WeightsContents() }
    let pickle = try PickleMachine.run(try pickled.verified())
    let storages = try pickle.heap.storages.map { try storage($0, in: archive, folder: folder) }
    return try WeightsContents(
      pickle, storages: storages, order: try order(of: archive, folder: folder), path: archive.path)
  }

  /// All entries stand in one folder, named after the file at the time of writing.
  private static func folder(of archive: ZipArchive) throws -> String {
    let name = "data.pkl"
    let pickles = archive.names.filter { $0.hasSuffix("/" + name) && $0.split(separator: "/").count == 2 }
    guard pickles.count == 1, let pickle = pickles.first else {
      throw ArtifactError.wrongFormat(
        path: archive.path, detail: "a zip archive with \(pickles.count) data.pkl, not one as torch.save writes it")
    }
    return String(pickle.dropLast(name.count))
  }

  private static func storage(
    _ described: PickleHeap.Storage, in archive: ZipArchive, folder: String
  ) throws -> StoredBytes {
    guard let stored = try archive.stored(folder + "data/" + described.key) else {
      throw ArtifactError.corrupt(path: archive.path, detail: "the storage \(described.key.inMessage) is missing")
    }
    guard stored.count == described.byteCount else {
      throw ArtifactError.corrupt(
        path: archive.path,
        detail: "the storage \(described.key.inMessage) has \(stored.count) bytes where \(described.count) "
          + "elements of \(described.type?.name ?? "byte") are stated")
    }
    return stored
  }

  /// Files before 2.1 do not say; they come from little-endian machines.
  private static func order(of archive: ZipArchive, folder: String) throws -> StoredTensor.ByteOrder {
    guard let stored = try archive.stored(folder + "byteorder") else { return .little }
    switch try stored.verified().text {
    case "little": return .little
    case "big": return .big
    default: throw ArtifactError.corrupt(path: archive.path, detail: "the byte order is neither little nor big")
    }
  }
}
