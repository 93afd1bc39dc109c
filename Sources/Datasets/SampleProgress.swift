import Artifacts
import Foundation

/// How many images the record in a folder of drawn images lists.
public struct SampleProgress: Decodable {
  /// The record's file, which `dd2 sample` writes.
  public static let fileName = "samples.json"

  /// Images that were asked for.
  public let count: Int
  /// Images that were written.
  public let completed: Int

  /// Nil where a folder has no record, or none of this program.
  public init?(in folder: String) {
    guard let data = try? FileAccess.contents(of: "\(folder)/\(Self.fileName)"),
      let record = try? JSONDecoder().decode(Self.self, from: data)
    else { return nil }
    self = record
  }
}
