/// Settings as a YAML or JSON file, or a run's record, has them: groups of names, with a text at the end of each.
public enum SettingTree: Equatable, Sendable {
  case text(String)
  case group([String: SettingTree])

  /// All settings with their full names, sorted: `("stage2.alpha", "1")`.
  public var settings: [(path: String, text: String)] {
    switch self {
    case .text(let text): [("", text)]
    case .group(let members):
      members.sorted { $0.key < $1.key }.flatMap { name, member in
        member.settings.map { (path: $0.path.isEmpty ? name : "\(name).\($0.path)", text: $0.text) }
      }
    }
  }

  /// The member of a name; nil where there is none.
  public subscript(name: String) -> SettingTree? {
    if case .group(let members) = self { members[name] } else { nil }
  }
}

extension SettingTree: Decodable {
  /// Lists become texts with commas.
  /// - Throws: `DecodingError`.
  public init(from decoder: any Decoder) throws {
    if let names = try? decoder.container(keyedBy: SettingName.self) {
      self = .group(
        try Dictionary(
          uniqueKeysWithValues: names.allKeys.map { ($0.stringValue, try names.decode(SettingTree.self, forKey: $0)) }))
      return
    }
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .text("null")
    } else if let flag = try? value.decode(Bool.self) {
      self = .text(String(flag))
    } else if let number = try? value.decode(UInt64.self) {
      self = .text(String(number))
    } else if let number = try? value.decode(Double.self) {
      self = .text("\(number)")
    } else if let list = try? value.decode([SettingTree].self) {
      self = .text(list.flatMap { $0.settings.map(\.text) }.joined(separator: ","))
    } else {
      self = .text(try value.decode(String.self))
    }
  }
}

/// A name in a file of settings.
public struct SettingName: CodingKey {
  public let stringValue: String
  public var intValue: Int? { nil }

  public init(_ name: some StringProtocol) { stringValue = String(name) }
  public init?(stringValue: String) { self.init(stringValue) }
  public init?(intValue: Int) { nil }
}
