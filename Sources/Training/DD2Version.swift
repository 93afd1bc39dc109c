import CBuild

/// The program's version.
public enum DD2Version {
  /// Semantic version.
  public static let number = "0.1.0"
  /// Name and version, as files state them.
  public static var description: String { "dd2 \(number)" }
  /// The commit that was built, with `-dirty` behind it where files were changed; nil where it was built without git.
  public static var commit: String? {
    let text = String(cString: dd2_commit())
    return text.isEmpty ? nil : text
  }
  /// Name, version and commit, as `dd2 --version` states them.
  public static var full: String { description + (commit.map { " (\($0))" } ?? "") }
}
