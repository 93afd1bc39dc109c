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

extension StateDict {
  /// The arrays of a checkpoint group.
  init(_ arrays: Checkpoint.Arrays) { self.init(arrays.mapValues { Tensor($0) }) }

  /// The form in which a checkpoint group is written.
  var arrays: Checkpoint.Arrays { entries.mapValues { HostArray($0) } }
}
