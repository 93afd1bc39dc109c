import Foundation

/// The list of weights that dd2 knows: where they come from, and how to tell that they are the right ones.
public struct WeightsManifest: Encodable, Equatable, Sendable {
  /// One file of weights.
  public struct Entry: Codable, Equatable, Sendable {
    /// The name it is asked for by, such as `var-d16`.
    public var name: String
    /// The model family, such as `var` or `inception`.
    public var family: String
    /// What it is within the family, such as `transformer` or `tokenizer`.
    public var kind: String
    /// Where to fetch it, in order of preference; empty for bundled files.
    public var urls: [String]
    /// The size of the file, where known.
    public var bytes: Int?
    /// Bytes of all its tensors, where the file's own size is not known: it is a little larger.
    public var payloadBytes: Int?
    /// The hash of the file in hexadecimal digits, nil where its publisher gives none.
    public var sha256: String?
    /// Whether the hash is somebody's record that nobody has confirmed.
    public var sha256Unconfirmed: Bool?
    /// The licence's SPDX name, or the publisher's words.
    public var license: String
    /// The layout of the file, such as `pytorch-zip` or `dd2`.
    public var layout: String
    /// Where a bundled file lies, relative to the manifest.
    public var path: String?
    /// Anything a user should know.
    public var notes: String?

    private enum CodingKeys: String, CodingKey {
      case name, family, kind, urls, bytes, sha256, license, layout, path, notes
      case payloadBytes = "payload_bytes"
      case sha256Unconfirmed = "sha256_unconfirmed"
    }

    /// Where the file lies under the folder of weights: `path`, or the last part of the first URL.
    public var relativePath: String {
      path ?? urls.first.flatMap { URL(string: $0)?.lastPathComponent } ?? name
    }
  }

  /// Every entry, in the order of the file.
  public var entries: [Entry]
  /// The file they were read from, for messages.
  public var source: String

  public init(entries: [Entry], source: String = "weights-manifest.json") {
    self.entries = entries
    self.source = source
  }

  /// Reads a manifest: a JSON array of entries.
  ///
  /// Throws `ArtifactError.missingFile`, `.notReadable`, or `.wrongFormat` that names the offending field.
  public init(reading path: String) throws {
    let data = try FileAccess.contents(of: path)
    do {
      self.init(entries: try JSONDecoder().decode([Entry].self, from: data), source: path)
    } catch let error as DecodingError {
      throw ArtifactError.wrongFormat(path: path, detail: "not a weights manifest, \(error.oneLine)")
    }
    var names: Set<String> = []
    for entry in entries where !names.insert(entry.name).inserted {
      throw ArtifactError.wrongFormat(path: path, detail: "two entries are named \(entry.name)")
    }
  }

  /// The entry of that name; throws `ArtifactError.missingEntry`, which lists those there are.
  public func entry(named name: String) throws -> Entry {
    guard let entry = entries.first(where: { $0.name == name }) else {
      throw ArtifactError.missingEntry(path: source, name: name, known: entries.map(\.name))
    }
    return entry
  }

  public func encode(to encoder: any Encoder) throws {
    try entries.encode(to: encoder)
  }
}

extension DecodingError {
  /// Where in the JSON, and what is wrong there.
  var oneLine: String {
    func at(_ path: [any CodingKey]) -> String {
      path.isEmpty ? "at the top" : "at " + path.map(\.stringValue).joined(separator: ".")
    }
    return switch self {
    case .keyNotFound(let key, let context): "\(at(context.codingPath)): no \(key.stringValue)"
    case .typeMismatch(let type, let context): "\(at(context.codingPath)): not of type \(type)"
    case .valueNotFound(let type, let context): "\(at(context.codingPath)): null where \(type) is expected"
    case .dataCorrupted(let context): "\(at(context.codingPath)): \(context.debugDescription)"
    @unknown default: "it cannot be decoded"
    }
  }
}
