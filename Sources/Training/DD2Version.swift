/// The program's version, as files and `dd2 --version` state it.
public enum DD2Version {
  /// Semantic version.
  public static let number = "0.1.0"
  /// Name and version.
  public static var description: String { "dd2 \(number)" }
}
