import Artifacts
import DD2Teacher
import Datasets
import Foundation
import NN
import Training

/// Tokens that a transformer alone is trained on, over the tokenizer that made them.
public struct TrainingTokens: Sendable {
  /// What a run records of them.
  public struct Record: Codable, Equatable, Sendable {
    /// The token file.
    public let file: RecordedFile
    /// The teacher whose tokenizer made them: a file, or a bundled one by its name.
    public let tokenizer: RecordedFile
    /// Which folder of images is which class, as far as the file says.
    public let classes: ClassMapping?
  }

  /// The sequences.
  public let tokens: TokenSet
  /// The teacher whose tokenizer made them.
  public let tokenizer: TeacherFile.Loaded
  /// What a run records.
  public let record: Record

  /// Reads a token file.
  /// - Parameter name: what the teacher was given as.
  /// - Throws: `ArtifactError` as `TokenFile.count` and `.read`, and where the file's classes are not understood.
  public init(_ path: String, tokenizer: TeacherFile.Loaded, named name: String) throws {
    _ = try TokenFile.count(path, for: tokenizer)
    tokens = try TokenFile.read(path, for: tokenizer.teacher)
    self.tokenizer = tokenizer
    record = Record(
      file: try RecordedFile(at: path), tokenizer: RecordedFile(path: name, hash: tokenizer.hash),
      classes: try Self.classes(in: path))
  }

  /// Number of classes of a teacher of them: those that the file names, and those of the tokens.
  public var classCount: Int {
    var count = Int(tokens.labels.max() ?? 0) + 1
    if case .folders(let numbers)? = record.classes { count = max(count, (numbers.values.max() ?? 0) + 1) }
    return count
  }

  /// The classes that a token file records; nil where it says nothing.
  private static func classes(in path: String) throws -> ClassMapping? {
    guard case .string(let text)? = try HDF5File(reading: path).attributes()[TokenFile.classesName] else { return nil }
    guard let classes = try? JSONDecoder().decode(ClassMapping.self, from: Data(text.utf8)) else {
      throw ArtifactError.wrongFormat(path: path, detail: "its attribute \(TokenFile.classesName) is not understood")
    }
    if case .folders(let numbers) = classes,
      let bad = numbers.values.first(where: { !Setting.extents.contains($0 &+ 1) })
    {
      throw ArtifactError.wrongFormat(
        path: path, detail: "\(bad) is no class's number in its attribute \(TokenFile.classesName)")
    }
    return classes
  }
}
