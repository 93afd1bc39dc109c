import Artifacts
import NN
import TensorCore

extension HostArray {
  /// A tensor's elements, copied to the host.
  init(_ tensor: Tensor) { self.init(shape: tensor.shape.dimensions, tensor.elements) }
}

extension Tensor {
  /// A file's array on the current backend, as Float32.
  init(_ array: HostArray) { self.init(array.floats, Shape(array.shape)) }
}

extension TensorSource {
  /// The arrays of a group of an HDF5 file, read when asked for.
  /// - Throws: `ArtifactError`; so does reading.
  init(_ file: HDF5File, group: String) throws {
    let prefix = "/\(group)/"
    let shapes = try file.datasetNames(under: "/" + group).map { name in
      (String(name.dropFirst(prefix.count)), Shape(try file.shape(of: name)))
    }
    self.init(shapes: Dictionary(uniqueKeysWithValues: shapes)) { Tensor(try file.read(prefix + $0)) }
  }
}

extension StateDict {
  /// The arrays of a checkpoint group.
  init(_ arrays: Checkpoint.Arrays) { self.init(arrays.mapValues { Tensor($0) }) }

  /// The form in which a checkpoint group is written.
  var arrays: Checkpoint.Arrays { entries.mapValues { HostArray($0) } }
}
