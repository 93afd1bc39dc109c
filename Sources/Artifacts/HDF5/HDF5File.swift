import CShims
import Foundation

/// An HDF5 file open for reading. Any thread may use it; calls take turns.
///
/// A file that is truncated, corrupt or not HDF5 throws an `ArtifactError`; nothing is ever printed.
public final class HDF5File: Sendable {
  /// Where the file is.
  public let path: String
  let handle: Int64

  /// Opens a file. Throws `ArtifactError.missingFile`, `.notReadable`, `.wrongFormat` if it is not HDF5, or
  /// `.corrupt` if it is damaged or cut short.
  public init(reading path: String) throws {
    try FileAccess.check(path)
    self.path = path
    handle = try HDF5Library.locked {
      try HDF5Trial.check(path)
      let handle = path.withPath { dd2_h5_open($0) }
      guard handle >= 0 else {
        let error = HDF5Library.readError(path, nil)
        let kind = try FileKind(ofFile: path)
        throw kind == .hdf5 ? error : ArtifactError.wrongFormat(path: path, detail: kind.mismatch("not an HDF5 file"))
      }
      return handle
    }
  }

  deinit {
    _ = HDF5Library.locked { dd2_h5_close(handle) }
  }

  /// The string, integer and floating-point attributes of a group or dataset; those of other types, and
  /// arrays, are left out. Throws `ArtifactError.missingDataset` or `.corrupt`.
  public func attributes(of object: String = "/") throws -> [String: HDF5Attribute] {
    try HDF5Library.locked {
      _ = try kind(of: object)
      let count = dd2_h5_attribute_count(handle, object)
      guard count >= 0 else { throw failure(object) }
      var attributes: [String: HDF5Attribute] = [:]
      for index in 0..<count {
        var raw = dd2_h5_attribute()
        defer { dd2_h5_free_attribute(&raw) }
        guard dd2_h5_read_attribute(handle, object, index, &raw) == 0, let name = raw.name else {
          throw failure("an attribute of \(object)")
        }
        attributes[String(cString: name)] = HDF5Attribute(raw)
      }
      return attributes
    }
  }

  /// Full paths of the datasets under a group, sorted; only its own if not `recursive`.
  /// Throws `ArtifactError.missingDataset` if there is no such group, `.corrupt` if it cannot be walked.
  public func datasetNames(under group: String = "/", recursive: Bool = true) throws -> [String] {
    try names(under: group, recursive: recursive, kind: DD2_H5_IS_DATASET)
  }

  /// Full paths of the groups under a group, sorted; only its own if not `recursive`. Throws as
  /// `datasetNames`.
  public func groupNames(under group: String = "/", recursive: Bool = true) throws -> [String] {
    try names(under: group, recursive: recursive, kind: DD2_H5_IS_GROUP)
  }

  /// Whether a dataset or group is there. Throws `ArtifactError.corrupt` if the file does not say.
  public func contains(_ name: String) throws -> Bool {
    try HDF5Library.locked {
      let kind = dd2_h5_kind(handle, name)
      guard kind >= 0 else { throw failure(name) }
      return kind > 0
    }
  }

  private func names(under group: String, recursive: Bool, kind wanted: Int) throws -> [String] {
    final class Visited {
      var names: [(path: String, kind: Int)] = []
    }
    let visited = Visited()
    try HDF5Library.locked {
      guard try kind(of: group) == DD2_H5_IS_GROUP else {
        throw ArtifactError.missingDataset(path: path, name: group)
      }
      let status = dd2_h5_visit(
        handle, group,
        { name, kind, context in
          guard let name, let context else { return }
          let visited = Unmanaged<Visited>.fromOpaque(context).takeUnretainedValue()
          visited.names.append((String(cString: name), Int(kind)))
        }, Unmanaged.passUnretained(visited).toOpaque())
      guard status >= 0 else { throw failure(group) }
    }
    let prefix = group.hasSuffix("/") ? group : group + "/"
    return visited.names
      .filter { $0.kind == wanted && (recursive || !$0.path.contains("/")) }
      .map { prefix + $0.path }
      .sorted()
  }

  /// Call inside `locked`.
  private func kind(of name: String) throws -> Int {
    let kind = dd2_h5_kind(handle, name)
    guard kind >= 0 else { throw failure(name) }
    guard kind > 0 else { throw ArtifactError.missingDataset(path: path, name: name) }
    return Int(kind)
  }

  /// The error for a library call that just failed on `name`; call inside `locked`.
  func failure(_ name: String) -> ArtifactError { HDF5Library.readError(path, name) }

  /// Throws unless `name` is a dataset; call inside `locked`.
  func requireDataset(_ name: String) throws {
    guard try kind(of: name) == DD2_H5_IS_DATASET else {
      throw ArtifactError.missingDataset(path: path, name: name)
    }
  }
}

extension HDF5Attribute {
  fileprivate init?(_ raw: dd2_h5_attribute) {
    switch Int(raw.element) {
    case DD2_H5_INT64: self = .int(raw.integer)
    case DD2_H5_FLOAT64: self = .double(raw.real)
    case DD2_H5_TEXT:
      guard let text = raw.text else { return nil }
      self = .string(String(cString: text))
    default: return nil
    }
  }
}
