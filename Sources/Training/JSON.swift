import Artifacts
import Foundation
import NN

/// JSON in the forms that files use: sorted keys, so that equal settings give equal bytes.
package enum JSON {
  package static func text(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  /// The settings that a file holds, checked.
  /// - Throws: `ArtifactError.wrongFormat`.
  package static func decode<Settings: Decodable & CheckedSettings>(_ text: String, path: String) throws -> Settings {
    let settings: Settings
    do {
      settings = try JSONDecoder().decode(Settings.self, from: Data(text.utf8))
    } catch {
      throw ArtifactError.wrongFormat(path: path, detail: "its configuration is not understood (\(error))")
    }
    try fitting(path) { try settings.check() }
    return settings
  }
}
