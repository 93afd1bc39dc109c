import Artifacts
import NN

/// All settings of a distillation run: a value for each key of `DistillationSchema`, read and written under the key's
/// name. What is written to `config.json` reproduces the run.
@dynamicMemberLookup
public struct DistillationConfiguration: Sendable {
  private var values: [String: any SettingValue] = [:]

  private static let schema = DistillationSchema()

  /// The definitions, in order.
  public static let keys: [any AnySettingKey] = Mirror(reflecting: schema).children.compactMap {
    $0.value as? any AnySettingKey
  }

  private static let keysByPath = Dictionary(uniqueKeysWithValues: keys.map { ($0.path, $0) })

  /// The defaults.
  public init() {}

  /// The value of a setting.
  public subscript<Value>(dynamicMember member: KeyPath<DistillationSchema, SettingKey<Value>>) -> Value {
    get {
      let key = Self.schema[keyPath: member]
      guard let value = values[key.path] else { return key.initial }
      guard let value = value as? Value else { preconditionFailure("\(key.path) is \(value), not a \(Value.self)") }
      return value
    }
    set { values[Self.schema[keyPath: member].path] = newValue }
  }

  /// All settings with their values as text, in order.
  public var texts: [(path: String, text: String)] { Self.keys.map { ($0.path, value(of: $0).settingText) } }

  /// The value of a setting, of whatever type.
  func value(of key: any AnySettingKey) -> any SettingValue { values[key.path] ?? key.initialValue }

  /// The definition of a setting.
  /// - Parameter source: what errors begin with, such as `FILE: `.
  /// - Throws: `SettingsError` for a name that no setting has, with the nearest one.
  public static func key(_ path: String, from source: String = "") throws(SettingsError)
    -> any AnySettingKey
  {
    if let key = keysByPath[path] { return key }
    let sameEnd = keys.first { $0.path.hasSuffix("." + path) }?.path
    let near = sameEnd ?? NearestName.of(path, among: keys.map(\.path))
    throw SettingsError(
      "\(source)there is no setting '\(path)'"
        + (near.map { "; did you mean '\($0)'?" } ?? "; 'dd2 presets NAME' lists all"))
  }

  /// Sets a setting to what a text stands for.
  /// - Parameter name: what errors call the setting; nil for its path.
  /// - Throws: `SettingsError` for a name that no setting has, and for a value that it cannot have.
  public mutating func set(_ path: String, to text: String, named name: String? = nil) throws(SettingsError) {
    let name = name ?? path
    values[path] = try Self.key(path, from: String(name.dropLast(path.count))).value(text, named: name)
  }

  /// Takes a setting from others.
  /// - Throws: `SettingsError` for a name that no setting has.
  public mutating func copy(_ path: String, from other: DistillationConfiguration) throws(SettingsError) {
    values[path] = other.value(of: try Self.key(path))
  }

  /// - Throws: `SettingsError` where the setting has no effect beside the others.
  public func requireEffect(of path: String, named name: String? = nil) throws(SettingsError) {
    guard let condition = try Self.key(path).condition, !condition.holds(self) else { return }
    throw SettingsError("\(name ?? path) has no effect: it needs \(condition.text)")
  }

  /// The names of the settings whose values differ.
  public func differences(from other: DistillationConfiguration) -> [String] {
    Self.keys.filter { value(of: $0).settingText != other.value(of: $0).settingText }.map(\.path)
  }
}

extension DistillationConfiguration: Equatable {
  public static func == (one: Self, other: Self) -> Bool { one.differences(from: other).isEmpty }
}

/// In files, `stage2.alpha` is `alpha` in the group `stage2`.
extension DistillationConfiguration: Codable {
  public init(from decoder: any Decoder) throws {
    self.init()
    for (path, text) in try SettingTree(from: decoder).settings {
      do {
        try set(path, to: text)
      } catch {
        throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: error.description))
      }
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var top = encoder.container(keyedBy: SettingName.self)
    for key in Self.keys {
      let names = key.path.split(separator: ".")
      if names.count == 1 {
        try top.encode(value(of: key), forKey: SettingName(names[0]))
      } else {
        var group = top.nestedContainer(keyedBy: SettingName.self, forKey: SettingName(names[0]))
        try group.encode(value(of: key), forKey: SettingName(names[1]))
      }
    }
  }
}

extension DistillationConfiguration: CheckedSettings {
  /// Checks what depends on several settings; each alone is in its range already.
  public func check() throws(SettingsError) {
    guard self.microBatch == 0 || self.batch % self.microBatch == 0 else {
      throw SettingsError("memory.micro_batch is \(self.microBatch); give a divisor of batch, \(self.batch)")
    }
    guard self.minTime < self.maxTime else {
      throw SettingsError("stage2.min_time is \(self.minTime); give a number below stage2.max_time, \(self.maxTime)")
    }
    guard self.tokens == nil || self.data == nil && self.classes == nil && self.crop == nil else {
      throw SettingsError("tokens stand for images: leave out data, classes and crop, or tokens")
    }
    guard self.data != Self.ownSequences || self.classes == nil && self.crop == nil else {
      throw SettingsError("classes and crop are of images, and data is teacher: leave them out")
    }
    guard self.evaluationInterval > 0 || self.reference == nil else {
      throw SettingsError("fid.reference has no effect with fid.every 0")
    }
    guard self.referenceWeights == nil || self.reference != nil else {
      throw SettingsError("fid.weights needs fid.reference, the statistics that they go with")
    }
  }
}
