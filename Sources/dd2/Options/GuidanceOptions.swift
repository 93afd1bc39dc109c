import ArgumentParser
import DD2Teacher

/// How the teacher's next-token distribution is shaped; what is not given stays as the command has it.
struct GuidanceOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "Classifier-free guidance in the teacher family's own convention; 0 is none.")
  var cfg: Float?

  @Option(parsing: .unconditional, help: "Divides the teacher's logits.")
  var temperature: Float?

  @Option(parsing: .unconditional, help: "Keeps the k most likely tokens; 0 keeps all.")
  var topK: Int?

  @Option(
    parsing: .unconditional, help: "Keeps the most likely tokens up to this total probability; 1 keeps all.")
  var topP: Float?

  func validate() throws {
    try Requirement.guidance(cfg)
    // Below this, logits leave the range of their number format.
    try Requirement.atLeast(0.001, temperature, "--temperature")
    try Requirement.atLeast(0, topK, "--top-k")
    try Requirement.positive(topP, "--top-p")
    if let topP, topP > 1 { throw ValidationError("--top-p is \(topP); give at most 1") }
  }

  /// Whether any of them was given.
  var isGiven: Bool { cfg != nil || temperature != nil || topK != nil || topP != nil }

  /// `base` with what was given on the command line in its place.
  func applied(to base: Guidance) -> Guidance {
    Guidance(
      cfg: cfg ?? base.cfg, temperature: temperature ?? base.temperature, topK: topK ?? base.topK,
      topP: topP ?? base.topP)
  }
}

/// Checks of numbers on the command line; those that are not given pass.
enum Requirement {
  /// - Throws: `ValidationError` unless `value` is finite and at least `bound`.
  static func atLeast<Number: Comparable & Numeric>(_ bound: Number, _ value: Number?, _ name: String) throws {
    guard let value else { return }
    guard value >= bound, isFinite(value) else {
      throw ValidationError("\(name) is \(value); give \(bound) or more")
    }
  }

  /// - Throws: `ValidationError` unless `value` lies within `bounds`.
  static func within<Number: Comparable>(_ bounds: ClosedRange<Number>, _ value: Number?, _ name: String) throws {
    guard let value, !bounds.contains(value) else { return }
    throw ValidationError("\(name) is \(value); give \(bounds.lowerBound) to \(bounds.upperBound)")
  }

  /// - Throws: `ValidationError` for a guidance strength that is negative or drives logits out of their range.
  static func guidance(_ value: Float?) throws { try within(0...1000, value, "--cfg") }

  /// - Throws: `ValidationError` unless `value` is finite and above 0.
  static func positive<Number: Comparable & Numeric>(_ value: Number?, _ name: String) throws {
    guard let value else { return }
    guard value > 0, isFinite(value) else {
      throw ValidationError("\(name) is \(value); give a number above 0")
    }
  }

  private static func isFinite(_ value: some Numeric) -> Bool {
    (value as? any FloatingPoint)?.isFinite ?? true
  }
}
