import Artifacts
import Backbone
import DD2Teacher
import Datasets
import TensorCore
import Training

/// Token sequences in HDF5: `ids` (B, L) and `labels` (B), integers of any width.
public enum TokenFile {
  static let idsName = "ids"
  static let labelsName = "labels"
  /// The attribute that says, in JSON, which class each folder of images was.
  static let classesName = "classes"

  /// Writes sequences into a file that is being made.
  /// - Parameter classes: which folder of images was which class, for the record.
  /// - Throws: `ArtifactError`.
  public static func write(_ tokens: TokenSet, classes: ClassMapping? = nil, to writer: HDF5Writer) throws {
    if let classes { try writer.setAttribute(classesName, .string(try JSON.text(classes))) }
    let ids = HostArray(shape: tokens.ids.shape.dimensions, tokens.ids.values.map(Int64.init))
    try writer.write(ids, to: idsName)
    try writer.write(HostArray(shape: [tokens.count], tokens.labels.map(Int64.init)), to: labelsName)
  }

  /// Reads sequences for a teacher.
  /// - Throws: `ArtifactError` where the file is missing, damaged or without one of the two, where a shape does not
  ///   fit the teacher, or where an id or a label is none of its.
  public static func read(_ path: String, for teacher: any Teacher) throws -> TokenSet {
    let file = try HDF5File(reading: path)
    let ids = try readIDs(file, for: teacher)
    return TokenSet(ids: ids, labels: try readLabels(file, count: ids.shape[0], for: teacher))
  }

  /// As `read(_:for:)` where labels do not matter: nil labels where there are none.
  public static func readIDs(
    _ path: String, for teacher: any Teacher
  ) throws -> (ids: IndexTensor, labels: [Int32]?) {
    let file = try HDF5File(reading: path)
    let ids = try readIDs(file, for: teacher)
    guard try file.contains(labelsName) else { return (ids, nil) }
    return (ids, try readLabels(file, count: ids.shape[0], for: teacher))
  }

  private static func readIDs(_ file: HDF5File, for teacher: any Teacher) throws -> IndexTensor {
    let shape = try file.shape(of: idsName)
    let L = teacher.layout.count
    guard shape.count == 2, shape[1] == L, shape[0] > 0 else {
      let expected = [max(1, shape.first ?? 1), L]
      throw ArtifactError.wrongShape(path: file.path, name: idsName, expected: expected, found: shape)
    }
    return IndexTensor(
      try integers(file, idsName, below: teacher.codebook.count, "token of the teacher"), [shape[0], L])
  }

  private static func readLabels(_ file: HDF5File, count: Int, for teacher: any Teacher) throws -> [Int32] {
    let shape = try file.shape(of: labelsName)
    guard shape == [count] else {
      throw ArtifactError.wrongShape(path: file.path, name: labelsName, expected: [count], found: shape)
    }
    return try integers(file, labelsName, below: teacher.classCount, "class of the teacher")
  }

  private static func integers(_ file: HDF5File, _ name: String, below bound: Int, _ title: String) throws -> [Int32] {
    let array = try file.read(name)
    guard let values = array.ints else {
      throw ArtifactError.wrongFormat(path: file.path, detail: "\(name) does not hold integers")
    }
    if let bad = values.firstIndex(where: { !(0..<bound).contains($0) }) {
      let width = array.shape.last ?? 1
      let place = array.shape.count == 2 ? "\(bad / width), \(bad % width)" : "\(bad)"
      throw ArtifactError.wrongFormat(
        path: file.path, detail: "\(name)[\(place)] is \(values[bad]), no \(title), which has 0 to \(bound - 1)")
    }
    return values.map(Int32.init)
  }
}
