import Foundation

/// Short names for what follows from known things, such as a cached file for its sources.
public enum Fingerprint {
  /// SHA-256 of lines of text, in hexadecimal.
  public static func of(_ lines: [String]) -> String {
    let hash = SHA256()
    hash.update(Data(lines.map { $0 + "\n" }.joined().utf8))
    return hash.finish()
  }

  /// SHA-256 of bytes, in hexadecimal.
  public static func of(_ bytes: Data) -> String {
    let hash = SHA256()
    hash.update(bytes)
    return hash.finish()
  }

  /// SHA-256 of arrays of weights with their names and shapes, in hexadecimal; each is made when it is its turn.
  public static func of(arrays names: [String], _ array: (String) throws -> HostArray) rethrows -> String {
    let hash = SHA256()
    for name in names {
      let array = try array(name)
      hash.update(Data("\(name) \(array.shape)\n".utf8))
      array.floats.withUnsafeBytes { hash.update(Data($0)) }
    }
    return hash.finish()
  }
}
