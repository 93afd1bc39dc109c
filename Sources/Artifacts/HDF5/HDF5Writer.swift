import CShims
import Foundation

/// Writes an HDF5 file that appears under its name only when complete.
///
/// Everything goes to a temporary file in the same folder, which `finish()` flushes to the disk and renames;
/// a writer that is abandoned or released unfinished removes it. Metadata carry HDF5's checksums and every
/// dataset two checksums, except scalars and empty ones, which lie within the checksummed metadata. Equal
/// contents written in equal order give equal bytes. Not for use from several threads.
public final class HDF5Writer {
  /// The name that the finished file gets.
  public let path: String
  private let file: TemporaryFile
  /// Nil once finished or abandoned.
  private var handle: Int64?
  /// The groups made so far, without leading slash.
  private var groups: Set<String> = []

  /// Starts a file. Throws `ArtifactError.cannotCreate` if the folder does not take one.
  public init(path: String) throws {
    self.path = path
    file = try TemporaryFile(for: path)
    handle = try HDF5Library.locked { [file] in
      let handle = file.path.withPath { dd2_h5_create($0) }
      guard handle >= 0 else {
        throw ArtifactError.cannotCreate(path: path, detail: HDF5Library.lastMessage())
      }
      return handle
    }
  }

  deinit { abandon() }

  /// Writes a dataset; missing groups on the way to `name` are made.
  ///
  /// Throws `ArtifactError.invalidName` for a name that HDF5 would not give back, `.inputOutput` if the name
  /// is taken or the disk full.
  public func write(_ array: HostArray, to name: String) throws {
    try checkPath(name)
    try makeGroups(name.split(separator: "/").dropLast())
    switch array.elements {
    case .float32(let values): try write(values, array.shape, DD2_H5_FLOAT32, name)
    case .float64(let values): try write(values, array.shape, DD2_H5_FLOAT64, name)
    case .int64(let values): try write(values, array.shape, DD2_H5_INT64, name)
    case .uint8(let values): try write(values, array.shape, DD2_H5_UINT8, name)
    }
  }

  /// Makes a dataset to be filled by `write(_:rows:of:)`, for arrays that do not fit into memory. Throws as `write`.
  /// - Parameter element: what the file holds; rows of another type are converted.
  public func createDataset(_ name: String, shape: [Int], of element: (some HDF5RowElement).Type = Float.self) throws {
    precondition(!shape.isEmpty && !shape.contains(0), "HDF5Writer.createDataset: nothing to fill in \(shape)")
    try checkPath(name)
    try makeGroups(name.split(separator: "/").dropLast())
    var raw = try rawShape(shape, element.hdf5Kind, name)
    let chunk = HDF5Chunk.shape(for: shape, elementSize: MemoryLayout.size(ofValue: element.zero))
    try call(name) { dd2_h5_create_dataset($0, name, &raw, chunk) }
  }

  /// Fills rows of a dataset of `createDataset`; those that are never filled stay zero.
  /// - Parameters:
  ///   - values: as many as the rows have.
  ///   - rows: of the leading axis.
  ///
  /// Throws as `write`, and for values that the dataset's elements cannot hold.
  public func write<Element: HDF5RowElement>(_ values: [Element], rows: Range<Int>, of name: String) throws {
    try values.withUnsafeBytes { bytes in
      try call(name) {
        dd2_h5_write_rows(
          $0, name, Int32(Element.hdf5Kind), Int64(rows.lowerBound), Int64(rows.count), bytes.baseAddress)
      }
    }
  }

  /// Makes a group and its parents, as far as they are not there yet. Throws as `write`.
  public func createGroup(_ name: String) throws {
    try checkPath(name)
    try makeGroups(name.split(separator: "/"))
  }

  private func makeGroups(_ parts: [Substring]) throws {
    for depth in parts.indices {
      let group = parts[...depth].joined(separator: "/")
      if groups.insert(group).inserted {
        try call(group) { dd2_h5_create_group($0, group) }
      }
    }
  }

  /// Sets an attribute of an object that is there already. Throws as `write`.
  public func setAttribute(_ name: String, _ value: HDF5Attribute, of object: String = "/") throws {
    guard !name.isEmpty, !name.utf8.contains(0) else {
      throw ArtifactError.invalidName(path: path, name: name, detail: "it is empty or holds NUL")
    }
    var raw = dd2_h5_attribute()
    var text = ""
    switch value {
    case .int(let value):
      raw.element = Int32(DD2_H5_INT64)
      raw.integer = value
    case .double(let value):
      raw.element = Int32(DD2_H5_FLOAT64)
      raw.real = value
    case .string(let value):
      guard !value.utf8.contains(0) else {
        throw ArtifactError.invalidName(path: path, name: name, detail: "its text holds NUL")
      }
      raw.element = Int32(DD2_H5_TEXT)
      text = value
    }
    raw.name = strdup(name)
    raw.text = strdup(text)
    defer { dd2_h5_free_attribute(&raw) }
    try call("attribute \(name)") { dd2_h5_write_attribute($0, object, &raw) }
  }

  /// Completes the file: from now on it is at `path`, and on the disk.
  /// Throws `ArtifactError.inputOutput` or `.cannotCreate`; what was at `path` before is then still there.
  public func finish() throws {
    let handle = openHandle()
    self.handle = nil
    defer { file.discard() }
    try HDF5Library.locked {
      guard dd2_h5_close(handle) == 0 else {
        throw ArtifactError.inputOutput(path: path, detail: HDF5Library.lastMessage())
      }
    }
    try file.commit()
  }

  /// Gives the file up and removes what was written. Does nothing after `finish()`.
  public func abandon() {
    guard let handle else { return }
    self.handle = nil
    _ = HDF5Library.locked { dd2_h5_close(handle) }
    file.discard()
  }

  private func openHandle() -> Int64 {
    guard let handle else { preconditionFailure("HDF5Writer: \(path) is already finished or abandoned") }
    return handle
  }

  private func call(_ name: String, _ body: (Int64) -> Int32) throws {
    let handle = openHandle()
    try HDF5Library.locked {
      guard body(handle) == 0 else {
        throw ArtifactError.inputOutput(path: path, detail: "\(name): \(HDF5Library.lastMessage())")
      }
    }
  }

  private func checkPath(_ name: String) throws {
    var parts = name.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count > 1, parts.first == "" { parts.removeFirst() }
    guard parts.allSatisfy({ $0 != "" && $0 != "." }), !name.utf8.contains(0) else {
      throw ArtifactError.invalidName(path: path, name: name, detail: "it has an empty part, \".\" or NUL")
    }
  }

  private func write<Element>(_ values: [Element], _ shape: [Int], _ element: Int, _ name: String) throws {
    var raw = try rawShape(shape, element, name)
    let chunk = HDF5Chunk.shape(for: shape, elementSize: MemoryLayout<Element>.size)
    try values.withUnsafeBytes { bytes in
      try call(name) { dd2_h5_write($0, name, &raw, chunk, bytes.baseAddress) }
    }
  }

  private func rawShape(_ shape: [Int], _ element: Int, _ name: String) throws -> dd2_h5_shape {
    guard shape.count <= DD2_H5_MAX_RANK else {
      throw ArtifactError.unsupported(path: path, detail: "\(name) has \(shape.count) axes")
    }
    var raw = dd2_h5_shape()
    raw.rank = Int32(shape.count)
    raw.element = Int32(element)
    withUnsafeMutableBytes(of: &raw.dims) { dims in
      let dims = dims.bindMemory(to: Int64.self)
      for (axis, extent) in shape.enumerated() { dims[axis] = Int64(extent) }
    }
    return raw
  }
}
