import Artifacts
import Backbone
import DD2Teacher
import Datasets
import TensorCore
import Training

/// Token sequences in HDF5: `ids` (N, L) and `labels` (N), integers of any width. Attributes say, where that is known,
/// whose tokens they are (`tokenizer`, `TeacherFile.Loaded.tokenizerHash()`), which class each folder of images was
/// (`classes`), and what the images were (`images`, an `ImageSetRecord`), the last two in JSON.
public enum TokenFile {
  static let idsName = "ids"
  static let labelsName = "labels"
  static let classesName = "classes"
  static let imagesName = "images"
  static let tokenizerName = "tokenizer"

  /// Rows that are read or written at once.
  static let slice = 4096

  /// Writes sequences into a file that is being made.
  /// - Throws: `ArtifactError`.
  public static func write(_ tokens: TokenSet, to writer: HDF5Writer) throws {
    let L = tokens.ids.shape[1]
    try create(count: tokens.count, length: L, vocabulary: Int(tokens.ids.values.max() ?? 0) + 1, in: writer)
    try write(tokens, rows: 0..<tokens.count, to: writer)
  }

  /// Makes the datasets of `count` sequences of `length` tokens, which `write(_:rows:to:)` fills.
  static func create(count: Int, length: Int, vocabulary: Int, in writer: HDF5Writer) throws {
    // A million images of 680 tokens are 1.7 GB so, and 3.5 or 7 with wider integers.
    if vocabulary <= Int(UInt16.max) + 1 {
      try writer.createDataset(idsName, shape: [count, length], of: UInt16.self)
    } else {
      try writer.createDataset(idsName, shape: [count, length], of: Int32.self)
    }
    try writer.createDataset(labelsName, shape: [count], of: Int32.self)
  }

  /// Writes sequences into rows of a file of `create`.
  static func write(_ tokens: TokenSet, rows: Range<Int>, to writer: HDF5Writer) throws {
    try writer.write(tokens.ids.values, rows: rows, of: idsName)
    try writer.write(tokens.labels, rows: rows, of: labelsName)
  }

  /// Reads sequences for a teacher.
  /// - Parameter indices: those that are wanted, in ascending order; nil for all.
  /// - Throws: `ArtifactError` where the file is missing, damaged or without one of the two, where a shape does not
  ///   fit the teacher, or where an id or a label is none of its.
  public static func read(_ path: String, at indices: [Int]? = nil, for teacher: any Teacher) throws -> TokenSet {
    let file = try HDF5File(reading: path)
    let (ids, labels) = try read(file, at: indices, needsLabels: true, for: teacher)
    return TokenSet(ids: ids, labels: labels ?? [])
  }

  /// As `read(_:at:for:)` where labels do not matter: nil labels where there are none.
  public static func readIDs(
    _ path: String, for teacher: any Teacher
  ) throws -> (ids: IndexArray, labels: [Int32]?) {
    let file = try HDF5File(reading: path)
    return try read(file, at: nil, needsLabels: try file.contains(labelsName), for: teacher)
  }

  /// The number of sequences in a file that has both datasets in a teacher's shape; none of them is read.
  /// - Throws: as `read(_:at:for:)`; `ArtifactError.wrongFormat` for tokens of another tokenizer, as far as the file says.
  public static func count(_ path: String, for teacher: TeacherFile.Loaded) throws -> Int {
    let file = try HDF5File(reading: path)
    let count = try count(file, needsLabels: true, for: teacher.teacher)
    if let recorded = try file.attributes()[tokenizerName]?.string, recorded != (try teacher.tokenizerHash()) {
      throw ArtifactError.wrongFormat(
        path: path,
        detail:
          "its tokens are not of \(teacher.path)'s tokenizer; make them with 'dd2 teacher encode' and that teacher")
    }
    return count
  }

  private static func count(_ file: HDF5File, needsLabels: Bool, for teacher: any Teacher) throws -> Int {
    let shape = try file.plausibleShape(of: idsName)
    let L = teacher.layout.count
    guard shape.count == 2, shape[1] == L, shape[0] > 0 else {
      let expected = [max(1, shape.first ?? 1), L]
      throw ArtifactError.wrongShape(path: file.path, name: idsName, expected: expected, found: shape)
    }
    if needsLabels {
      let labels = try file.shape(of: labelsName)
      guard labels == [shape[0]] else {
        throw ArtifactError.wrongShape(path: file.path, name: labelsName, expected: [shape[0]], found: labels)
      }
    }
    return shape[0]
  }

  private static func read(
    _ file: HDF5File, at indices: [Int]?, needsLabels: Bool, for teacher: any Teacher
  ) throws -> (ids: IndexArray, labels: [Int32]?) {
    let count = try count(file, needsLabels: needsLabels, for: teacher)
    let rows = indices ?? Array(0..<count)
    let L = teacher.layout.count
    let ids = try integers(file, idsName, rows, width: L, below: teacher.codebook.count, "token of the teacher")
    let labels =
      try needsLabels
      ? integers(file, labelsName, rows, width: 1, below: teacher.classCount, "class of the teacher") : nil
    return (IndexArray(ids, [rows.count, L]), labels)
  }

  /// The wanted rows of a dataset, slice by slice.
  private static func integers(
    _ file: HDF5File, _ name: String, _ rows: [Int], width: Int, below bound: Int, _ title: String
  ) throws -> [Int32] {
    var values: [Int32] = []
    values.reserveCapacity(rows.count * width)
    var next = 0
    while next < rows.count {
      let first = rows[next]
      let end = rows[next...].firstIndex { $0 >= first + slice } ?? rows.count
      let found = try file.readRows(first..<rows[end - 1] + 1, of: name)
      for row in rows[next..<end] {
        let own = found[(row - first) * width..<(row - first + 1) * width]
        if let bad = own.firstIndex(where: { !(0..<bound).contains(Int($0)) }) {
          let place = name == labelsName ? "\(row)" : "\(row), \(bad - own.startIndex)"
          throw ArtifactError.wrongFormat(
            path: file.path, detail: "\(name)[\(place)] is \(found[bad]), no \(title), which has 0 to \(bound - 1)")
        }
        values += own
      }
      next = end
    }
    return values
  }
}
