import Artifacts
import NN
import Yams

extension SettingTree {
  /// Reads YAML, of which JSON is a part.
  /// - Parameter path: the file's, for errors.
  /// - Throws: `ArtifactError.wrongFormat`.
  init(yaml: String, path: String) throws {
    let aliases = zip(yaml.utf8, yaml.utf8.dropFirst())
      .count { before, star in star == UInt8(ascii: "*") && " \n\t[{,".utf8.contains(before) }
    guard yaml.utf8.count <= Self.largest, aliases <= Self.mostAliases else {
      throw ArtifactError.tooLarge(
        path: path, detail: "more than \(Self.largest) bytes or \(Self.mostAliases) aliases, which no settings need")
    }
    do {
      self = try Yams.compose(yaml: yaml).map { try SettingTree($0, path: path) } ?? .group([:])
    } catch let error as YamlError {
      // It quotes the line, however long.
      let line = "\(error)".prefix(300).split(whereSeparator: \.isNewline).joined(separator: " ")
      throw ArtifactError.wrongFormat(path: path, detail: "no YAML (\(line))")
    }
  }

  private static let largest = 1 << 20
  /// Each alias may double what a file stands for.
  private static let mostAliases = 16

  private init(_ node: Node, path: String) throws {
    switch node {
    case .scalar(let scalar):
      self = .text(node.tag == .init(.null) || node.null != nil ? "null" : scalar.string)
    case .mapping(let mapping):
      var members: [String: SettingTree] = [:]
      for (key, value) in mapping {
        guard let name = key.scalar?.string else {
          throw ArtifactError.wrongFormat(path: path, detail: "a name in it is no text")
        }
        guard members.updateValue(try SettingTree(value, path: path), forKey: name) == nil else {
          throw ArtifactError.wrongFormat(path: path, detail: "'\(name)' is in it twice")
        }
      }
      self = .group(members)
    case .sequence, .alias:
      throw ArtifactError.wrongFormat(path: path, detail: "a list where a setting has one value")
    }
  }

  /// The settings in a file: YAML, or the `config.json` of a run, whose record has them below `settings`.
  /// - Throws: `ArtifactError`.
  public init(file path: String) throws {
    let data = try FileAccess.contents(of: path)
    guard let text = String(validating: data, as: UTF8.self) else {
      throw ArtifactError.wrongFormat(path: path, detail: "not UTF-8 text; give a file of settings")
    }
    let tree = try SettingTree(yaml: text, path: path)
    guard case .group = tree else {
      throw ArtifactError.wrongFormat(path: path, detail: "no settings, such as 'batch: 24' in a line")
    }
    self = tree["settings"]?["settings"] ?? tree
  }
}
