import Crypto
import Foundation

/// Short names for what follows from known things, such as a cached file for its sources.
public enum Fingerprint {
  /// SHA-256 of lines of text, in hexadecimal.
  public static func of(_ lines: [String]) -> String {
    SHA256.hash(data: Data(lines.map { $0 + "\n" }.joined().utf8)).map { String(format: "%02x", $0) }.joined()
  }
}
