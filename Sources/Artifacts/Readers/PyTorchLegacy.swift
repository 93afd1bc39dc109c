/// Files of `torch.save` before PyTorch 1.6: five pickles (a magic number, the protocol version, facts about the
/// machine, the tensors' description, the storages' keys), then each storage as a count of 8 bytes and its elements,
/// little-endian on every machine.
///
/// Source: `torch/serialization.py`, `_legacy_save` and `_legacy_load`.
enum PyTorchLegacy {
  /// The first pickle's instruction that makes the magic number 0x1950A86A20F9469CFC6C.
  private static let magic: [UInt8] = [
    0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
  ]
  private static let version = 1001

  /// Whether a file begins as `torch.save` did. From protocol 4 on, a frame's length stands before the number.
  static func matches(_ bytes: MappedBytes) -> Bool {
    [2, 11].contains { position in
      bytes.slice(at: position, count: magic.count)?.withUnsafeBytes { $0.elementsEqual(magic) } == true
    }
  }

  /// Throws `ArtifactError.corrupt`, `.unsupported`, `.tooLarge`, and `.forbiddenGlobal` as `PickleMachine`.
  static func read(_ bytes: MappedBytes) throws -> WeightsContents {
    let magic = try PickleMachine.run(bytes)
    let version = try PickleMachine.run(bytes, from: magic.end)
    guard case .int(Self.version) = version.value else {
      throw ArtifactError.unsupported(path: bytes.path, detail: "another version of PyTorch's old format")
    }
    let machine = try PickleMachine.run(bytes, from: version.end)
    let pickle = try PickleMachine.run(bytes, from: machine.end)
    let keys = try PickleMachine.run(bytes, from: pickle.end)
    let storages = try storages(of: pickle.heap, in: bytes, order: try texts(keys, path: bytes.path), from: keys.end)
    return try WeightsContents(pickle, storages: storages, order: .little, path: bytes.path)
  }

  private static func texts(_ pickle: PickleMachine.Result, path: String) throws -> [String] {
    guard case .list(let index) = pickle.value else {
      throw ArtifactError.corrupt(path: path, detail: "the storages' keys are \(pickle.value.kind), not a list")
    }
    return try pickle.heap.sequences[index].map { value in
      guard case .text(let text) = value else {
        throw ArtifactError.corrupt(path: path, detail: "a storage's key is \(value.kind), not text")
      }
      return text
    }
  }

  /// The bytes of the storages in the order of the description, `keys` being that of the file.
  private static func storages(
    of heap: PickleHeap, in bytes: MappedBytes, order keys: [String], from start: Int
  ) throws -> [StoredBytes] {
    let described = Dictionary(heap.storages.map { ($0.key, $0) }) { first, _ in first }
    var found: [String: StoredBytes] = [:]
    var position = start
    for key in keys {
      guard let storage = described[key], found[key] == nil else {
        throw corrupt(bytes, "the storage \(key.inMessage) is listed twice or belongs to no tensor")
      }
      guard bytes.int(Int64.self, at: position) == storage.count, let byteCount = storage.byteCount,
        let content = bytes.slice(at: position + 8, count: byteCount)
      else {
        throw corrupt(bytes, "the storage \(key.inMessage) does not hold the \(storage.count) elements stated")
      }
      found[key] = StoredBytes(content, name: key)
      position += 8 + byteCount
    }
    guard position == bytes.count else { throw corrupt(bytes, "something follows the last storage") }
    return try heap.storages.map { storage in
      guard let content = found[storage.key] else {
        throw corrupt(bytes, "the storage \(storage.key.inMessage) is missing")
      }
      return content
    }
  }

  private static func corrupt(_ bytes: MappedBytes, _ detail: String) -> ArtifactError {
    .corrupt(path: bytes.path, detail: detail)
  }
}
