/// What one check of `dd2 doctor` says.
struct Finding: Encodable, Equatable {
  enum Verdict: String, Encodable {
    case ok
    /// Works, but not as well as it could, or lacks what only some commands need.
    case note
    /// Something that dd2 needs does not work.
    case wrong
  }

  let verdict: Verdict
  /// What was looked at.
  let check: String
  /// What is there.
  let found: String
  /// What to do; nil where there is nothing to do.
  let advice: String?

  static func ok(_ check: String, _ found: String) -> Finding {
    Finding(verdict: .ok, check: check, found: found, advice: nil)
  }

  static func note(_ check: String, _ found: String, _ advice: String?) -> Finding {
    Finding(verdict: .note, check: check, found: found, advice: advice)
  }

  static func wrong(_ check: String, _ found: String, _ advice: String) -> Finding {
    Finding(verdict: .wrong, check: check, found: found, advice: advice)
  }
}
