import Foundation

/// What a first download had, for a file whose publisher gives no hash: later downloads are compared with it. It lies
/// beside the file, as `NAME.fetched.json`.
public struct FetchRecord: Codable, Equatable, Sendable {
  /// Where the file came from.
  public let url: String
  /// Its size.
  public let bytes: Int
  /// Its hash in hexadecimal digits.
  public let sha256: String

  /// The record's own file.
  public static func path(of file: String) -> String { file + ".fetched.json" }

  /// The record beside a file; nil where there is none.
  /// Throws `ArtifactError.wrongFormat` for one that is not understood.
  static func read(for file: String) throws -> FetchRecord? {
    let path = path(of: file)
    guard FileAccess.exists(path) else { return nil }
    do {
      return try JSONDecoder().decode(FetchRecord.self, from: try FileAccess.contents(of: path))
    } catch let error as DecodingError {
      throw ArtifactError.wrongFormat(path: path, detail: "no record of a download, \(error.oneLine)")
    }
  }

  func write(for file: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try AtomicFile.write(try encoder.encode(self) + Data("\n".utf8), to: Self.path(of: file))
  }
}
