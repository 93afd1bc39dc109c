import Foundation

/// Files as `torch.save` writes them since PyTorch 1.6, of float32 tensors in dictionaries.
public struct TorchFile {
  /// A tensor by name.
  public struct Tensor {
    /// Its key.
    public var name: String
    /// Extents, slowest axis first.
    public var shape: [Int]
    /// Elements, row-major.
    public var values: [Float]

    /// A tensor.
    public init(_ name: String, _ shape: [Int], _ values: [Float]) {
      (self.name, self.shape, self.values) = (name, shape, values)
    }
  }

  private var groups: [(keys: [String], tensors: [Tensor])] = []

  /// A file without tensors.
  public init() {}

  /// Adds a state dictionary.
  /// - Parameter keys: the keys on the way to it; empty for the top level, which is then all of the file.
  public mutating func add(_ tensors: [Tensor], at keys: [String] = []) { groups.append((keys, tensors)) }

  /// The file.
  public var bytes: [UInt8] {
    var storages: [ZipBytes.Entry] = []
    let dictionaries = groups.map { keys, tensors in
      let items = tensors.map { tensor in
        let key = "\(storages.count)"
        storages.append(
          ZipBytes.Entry(name: "archive/data/\(key)", content: tensor.values.flatMap { littleEndian($0.bitPattern) }))
        let storage = PickleBytes.storage("Float", key, tensor.values.count)
        return (tensor.name, PickleBytes.tensor(storage, 0, tensor.shape, Self.strides(tensor.shape)))
      }
      return (keys, PickleBytes.dictionary(items))
    }
    let pickle = PickleBytes.program(Self.nested(dictionaries))
    return ZipBytes(
      entries: [
        ZipBytes.Entry(name: "archive/data.pkl", content: pickle),
        ZipBytes.Entry(name: "archive/byteorder", content: Array("little".utf8)),
      ] + storages
    ).bytes
  }

  /// Writes the file.
  public func write(to path: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }

  private static func strides(_ shape: [Int]) -> [Int] {
    shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
  }

  /// Dictionaries inside each other; a path stands once, or shares no key but the first with others.
  private static func nested(_ items: [(keys: [String], body: [UInt8])]) -> [UInt8] {
    if items.count == 1, let only = items.first, only.keys.isEmpty { return only.body }
    let firsts = Dictionary(grouping: items) { $0.keys[0] }.sorted { $0.key < $1.key }
    return PickleBytes.dictionary(
      firsts.map { key, inner in (key, nested(inner.map { (Array($0.keys.dropFirst()), $0.body) })) })
  }
}
