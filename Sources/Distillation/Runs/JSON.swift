import Artifacts
import Foundation

/// JSON in the forms that files use: sorted keys, so that equal settings give equal bytes.
enum JSON {
  static func text(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  static func decode<Value: Decodable>(_ text: String, path: String) throws -> Value {
    do {
      return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    } catch {
      throw ArtifactError.wrongFormat(path: path, detail: "its configuration is not understood (\(error))")
    }
  }
}
