import NN

/// A type that a setting can have: what it looks like in YAML, in JSON and on the command line.
public protocol SettingValue: Codable, Equatable, Sendable {
  /// The value that `text` stands for; nil where it stands for none.
  init?(settingText text: String)
  /// The text that stands for the value.
  var settingText: String { get }
  /// What any value of the type is, such as `a whole number`.
  static var description: String { get }
}

extension Int: SettingValue {
  public init?(settingText text: String) { self.init(text) }
  public var settingText: String { String(self) }
  public static var description: String { "a whole number" }
}

extension Bool: SettingValue {
  public init?(settingText text: String) { self.init(text) }
  public var settingText: String { String(self) }
  public static var description: String { "true or false" }
}

extension UInt64: SettingValue {
  public init?(settingText text: String) { self.init(text) }
  public var settingText: String { String(self) }
  public static var description: String { "a whole number of 0 or more" }
}

extension Float: SettingValue {
  public init?(settingText text: String) {
    guard let value = Float(text), value.isFinite else { return nil }
    self = value
  }
  public var settingText: String { self == rounded() && abs(self) < 1e6 ? String(Int(self)) : "\(self)" }
  public static var description: String { "a number" }
}

extension String: SettingValue {
  public init?(settingText text: String) { self = text }
  public var settingText: String { self }
  public static var description: String { "a name" }
}

/// A name or path; nil is `null`, as in YAML.
extension String?: SettingValue {
  public init?(settingText text: String) { self = text == "null" ? nil : text }
  public var settingText: String { self ?? "null" }
  public static var description: String { "a name or null" }
}

extension SettingValue where Self: RawRepresentable, Self: CaseIterable, RawValue == String {
  public init?(settingText text: String) { self.init(rawValue: text) }
  public var settingText: String { rawValue }
  public static var description: String { allCases.map(\.rawValue).joined(separator: " or ") }
}

/// Which values of its type a setting may have.
public struct SettingRange<Value: SettingValue>: Sendable {
  /// Such as `1 to 1000`.
  let text: String
  let contains: @Sendable (Value) -> Bool

  /// All of them.
  static var any: SettingRange { SettingRange(text: Value.description) { _ in true } }
}

extension SettingRange where Value: Comparable {
  static func atLeast(_ low: Value) -> SettingRange {
    SettingRange(text: "\(low.settingText) or more") { $0 >= low }
  }
  static func above(_ low: Value) -> SettingRange { SettingRange(text: "above \(low.settingText)") { $0 > low } }
  static func within(_ range: ClosedRange<Value>) -> SettingRange {
    SettingRange(text: "\(range.lowerBound.settingText) to \(range.upperBound.settingText)") { range.contains($0) }
  }
  static func above(_ low: Value, to high: Value) -> SettingRange {
    SettingRange(text: "above \(low.settingText), \(high.settingText) at most") { $0 > low && $0 <= high }
  }
  static func from(_ low: Value, below high: Value) -> SettingRange {
    SettingRange(text: "\(low.settingText) or more, below \(high.settingText)") { $0 >= low && $0 < high }
  }
}

/// Under which other settings one has an effect.
public struct SettingCondition: Sendable {
  /// What it needs, such as `method dd2`.
  let text: String
  let holds: @Sendable (DistillationConfiguration) -> Bool
}

/// The definition of a setting: name, default, range and meaning. There is no other place that states them.
public struct SettingKey<Value: SettingValue>: Sendable {
  /// Its name in files and for `--set`, such as `stage2.score_updates`.
  public let path: String
  /// Its default.
  let initial: Value
  let range: SettingRange<Value>
  /// What it is, in a sentence.
  public let help: String
  /// What it has no effect without; nil where it always has one.
  public let condition: SettingCondition?

  init(_ path: String, _ initial: Value, _ help: String, needs condition: SettingCondition? = nil) {
    self.init(path, initial, .any, help, needs: condition)
  }

  init(
    _ path: String, _ initial: Value, _ range: SettingRange<Value>, _ help: String,
    needs condition: SettingCondition? = nil
  ) {
    self.path = path
    self.initial = initial
    self.range = range
    self.help = help
    self.condition = condition
  }
}

/// A definition of whatever type.
public protocol AnySettingKey: Sendable {
  var path: String { get }
  var help: String { get }
  /// The values that it may have, in words.
  var rangeText: String { get }
  var condition: SettingCondition? { get }
  var initialValue: any SettingValue { get }
  /// The value that text stands for.
  /// - Parameter name: what errors call the setting.
  /// - Throws: `SettingsError` where it stands for none, or for one out of the range.
  func value(_ text: String, named name: String) throws(SettingsError) -> any SettingValue
}

extension SettingKey: AnySettingKey {
  public var rangeText: String { range.text }
  public var initialValue: any SettingValue { initial }

  public func value(_ text: String, named name: String) throws(SettingsError) -> any SettingValue {
    guard let value = Value(settingText: text) else {
      throw SettingsError("\(name) is '\(text)'; give \(Value.description)")
    }
    guard range.contains(value) else { throw SettingsError("\(name) is \(text); give \(range.text)") }
    return value
  }
}
