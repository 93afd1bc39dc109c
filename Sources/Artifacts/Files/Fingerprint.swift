import Foundation

/// Short names for what follows from known things, such as a cached file for its sources.
public enum Fingerprint {
  /// SHA-256 of lines of text, in hexadecimal.
  public static func of(_ lines: [String]) -> String {
    let hash = SHA256()
    hash.update(Data(lines.map { $0 + "\n" }.joined().utf8))
    return hash.finish()
  }
}
