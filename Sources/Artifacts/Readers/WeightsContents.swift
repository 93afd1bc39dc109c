/// What a reader finds in a file of weights.
struct WeightsContents: Sendable {
  /// The tensors by full name.
  var tensors: [String: StoredTensor] = [:]
  /// The dictionaries that hold tensors; the file's top level has the empty name.
  var groups: [WeightsFile.Group] = []

  init() {}

  /// The tensors of a pickle written by PyTorch, given the bytes of its storages.
  ///
  /// Throws `ArtifactError.corrupt` if a tensor reaches past its storage, and as `PickledTensors`.
  init(_ pickle: PickleMachine.Result, storages: [StoredBytes], order: StoredTensor.ByteOrder, path: String) throws {
    let pickled = try PickledTensors(pickle, path: path)
    for (name, tensor) in pickled.found {
      let storage = storages[tensor.storage]
      do throws(StridedLayout.Problem) {
        let layout = try tensor.type.byteCount.map { size throws(StridedLayout.Problem) in
          try StridedLayout(
            shape: tensor.shape, strides: tensor.strides, offset: tensor.offset, storageCount: storage.count / size)
        }
        tensors[name] = StoredTensor(
          type: tensor.type, shape: tensor.shape, layout: layout, storage: storage, order: order)
      } catch {
        throw ArtifactError.corrupt(path: path, detail: "the tensor \(name.inMessage) \(error.detail)")
      }
    }
    groups = pickled.groups
  }
}
