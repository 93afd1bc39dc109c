/// A setting that nothing can be built or run with; `description` is one line.
public struct SettingsError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The setting, its value and what it may be.
  public let description: String

  /// An error of one line.
  public init(_ description: String) { self.description = description }
}

/// Settings that files hold. What is built or run with them takes them for sound: who reads a file checks them first.
public protocol CheckedSettings {
  /// - Throws: `SettingsError` for a setting that is out of its range or contradicts another.
  func check() throws(SettingsError)
}

/// Ranges of single settings, and checks of them. Names in errors are those in the files.
public enum Setting {
  /// Widths of a layer; published models stay below 4,096.
  public static let widths = 1...(1 << 14)
  /// Extents of anything else, such as a codebook; published models stay below 65,536.
  public static let extents = 1...(1 << 20)
  /// Layers of one kind behind each other.
  public static let depths = 1...1000
  /// Elements of one weight, up to 4 GB: what a file claims decides how much memory a network of its sizes would take.
  public static let weights = 1...(1 << 30)

  /// - Throws: `SettingsError` unless `value` lies within `bounds`.
  public static func within<Number: Comparable>(
    _ bounds: ClosedRange<Number>, _ value: Number, _ name: String
  ) throws(SettingsError) {
    guard bounds.contains(value) else {
      throw SettingsError("\(name) is \(value), not \(bounds.lowerBound) to \(bounds.upperBound)")
    }
  }

  /// - Throws: `SettingsError` unless `value` is at least `bound`.
  public static func atLeast(_ bound: Int, _ value: Int, _ name: String) throws(SettingsError) {
    guard value >= bound else { throw SettingsError("\(name) is \(value), not \(bound) or more") }
  }

  /// - Throws: `SettingsError` unless `value` is finite and at least `bound`.
  public static func atLeast(_ bound: Float, _ value: Float, _ name: String) throws(SettingsError) {
    guard value >= bound, value.isFinite else { throw SettingsError("\(name) is \(value), not \(bound) or more") }
  }

  /// - Throws: `SettingsError` unless `value` is above 0 and divides `multiple`.
  public static func divisor(_ value: Int, of multiple: Int, _ name: String) throws(SettingsError) {
    guard value > 0, multiple % value == 0 else {
      throw SettingsError("\(name) is \(value), which does not divide \(multiple)")
    }
  }
}
