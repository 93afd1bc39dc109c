import Artifacts

/// A value that an option or argument does not take, with those that it takes and the one that is meant, where that is clear.
struct UnknownValue: CustomStringConvertible {
  /// One line.
  let description: String

  /// From the parser's words, which list the values in two ways; nil for other faults.
  init?(_ text: String) {
    let pattern = /The value '(.+)' is invalid for '(\S+).*'\. Please provide one of ([^(]*)( \(see .*\))?/
    guard let match = text.wholeMatch(of: pattern.dotMatchesNewlines()) else { return nil }
    let known = match.3.matches(of: /'(\S+)'|- (\S+)/).compactMap { ($0.1 ?? $0.2).map(String.init) }
    let question = NearestName.question(String(match.1), among: known)
    description = "\(match.2) is '\(match.1)'; \(question)give one of \(known.joined(separator: ", "))\(match.4 ?? "")"
  }
}
