import Artifacts
import Backbone
import NN
import TensorCore

extension HostArray {
  /// A tensor's elements, copied to the host.
  package init(_ tensor: Tensor) { self.init(shape: tensor.shape.dimensions, tensor.elements) }

  /// - Throws: `ArtifactError.wrongFormat` where an element is NaN or infinite.
  package func requireFinite(_ name: String, path: String) throws {
    guard floats.allSatisfy(\.isFinite) else {
      throw ArtifactError.wrongFormat(path: path, detail: "\(name) holds numbers that are not finite")
    }
  }
}

extension Tensor {
  /// A file's array on the current backend, as Float32.
  package init(_ array: HostArray) { self.init(array.floats, Shape(array.shape)) }
}

/// Builds and loads what a file holds.
/// - Throws: `ArtifactError.wrongFormat` that names the file where its sizes make no network or its weights do not fit,
///   and what else `body` throws.
package func fitting<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let error as SettingsError {
    throw ArtifactError.wrongFormat(path: path, detail: error.description)
  } catch let error as PartCountError {
    throw ArtifactError.wrongFormat(path: path, detail: error.description)
  } catch let error as StateDictError {
    throw ArtifactError.wrongFormat(path: path, detail: error.description)
  }
}

extension TensorSource {
  /// The arrays of a group of an HDF5 file, read when asked for.
  /// - Throws: `ArtifactError`; so does reading.
  package init(_ file: HDF5File, group: String) throws {
    let prefix = "/\(group)/"
    let shapes = try file.datasetNames(under: "/" + group).map { name in
      (String(name.dropFirst(prefix.count)), Shape(try file.shape(of: name)))
    }
    self.init(shapes: Dictionary(uniqueKeysWithValues: shapes)) { name in
      let array = try file.read(prefix + name)
      try array.requireFinite(name, path: file.path)
      return Tensor(array)
    }
  }
}

extension StateDict {
  /// The arrays of a checkpoint group.
  package init(_ arrays: Checkpoint.Arrays) { self.init(arrays.mapValues { Tensor($0) }) }
}

extension Checkpoint {
  /// As `write(to:)`, adding groups of tensors, which are copied to the host one by one: all at once would take half of a
  /// run's memory again.
  /// - Throws: `ArtifactError`.
  package func write(to path: String, adding groups: [String: StateDict]) throws {
    try write(to: path, adding: groups.mapValues { Array($0.entries.keys) }) { group, name in
      guard let tensor = groups[group]?[name] else { preconditionFailure("Checkpoint: no \(name) in \(group)") }
      return HostArray(tensor)
    }
  }
}
