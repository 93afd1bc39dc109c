import Foundation

/// Writes PyTorch's zip format: a dictionary of float32 tensors as a pickle, and the elements of each as an entry.
///
/// The pickle has what `torch.load(weights_only=True)` admits and nothing else: strings, integers, tuples, one dictionary,
/// and calls of `torch._utils._rebuild_tensor_v2`. Source: PyTorch, `torch/_weights_only_unpickler.py`,
/// `caffe2/serialize/inline_container.cc`.
enum PyTorchWriter {
  /// Throws `ArtifactError.inputOutput`, and what `bytes` throws.
  static func write(
    _ arrays: [WeightsWriter.NamedShape], to file: TemporaryFile, bytes: (WeightsWriter.NamedShape) throws -> Data
  ) throws {
    var archive = ZipWriter(file)
    try archive.add("archive/data.pkl", pickle(arrays))
    try archive.add("archive/byteorder", Data("little".utf8))
    for (key, array) in arrays.enumerated() { try archive.add("archive/data/\(key)", try bytes(array)) }
    try archive.add("archive/version", Data("3\n".utf8))
    try archive.finish()
  }

  /// Protocol 2: names to tensors whose storages are entries.
  private static func pickle(_ arrays: [WeightsWriter.NamedShape]) -> Data {
    var pickle = Data([0x80, 2]) + code("}(")
    for (key, array) in arrays.enumerated() {
      let storage = code("(") + text("storage") + global("torch", "FloatStorage") + text("\(key)") + text("cpu")
      let strides = array.shape.indices.map { array.shape[($0 + 1)...].reduce(1, *) }
      pickle += text(array.name) + global("torch._utils", "_rebuild_tensor_v2")
      pickle += code("(") + storage + integer(array.count) + code("tQ") + integer(0)
      pickle += tuple(array.shape) + tuple(strides)
      // It needs no gradient and has no hooks.
      pickle += Data([0x89]) + global("collections", "OrderedDict") + code(")RtR")
    }
    return pickle + code("u.")
  }

  private static func code(_ opcodes: String) -> Data { Data(opcodes.utf8) }
  private static func global(_ module: String, _ name: String) -> Data { code("c\(module)\n\(name)\n") }
  private static func text(_ text: String) -> Data {
    code("X") + Data(littleEndian: UInt32(text.utf8.count)) + Data(text.utf8)
  }
  private static func integer(_ value: Int) -> Data { code("J") + Data(littleEndian: Int32(value)) }
  private static func tuple(_ values: [Int]) -> Data {
    code("(") + values.reduce(Data()) { $0 + integer($1) } + code("t")
  }
}
