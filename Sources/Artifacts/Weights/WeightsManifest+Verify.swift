import Foundation

extension WeightsManifest {
  /// What a look at a file of weights shows.
  public enum VerificationResult: Equatable, Sendable {
    /// The hash is the published one.
    case verified(sha256: String)
    /// No hash is published or recorded; this is what the file has.
    case unpublished(sha256: String, bytes: Int)
    /// The file is not there.
    case missing(path: String)
    case wrongSize(path: String, expected: Int, found: Int)
    case wrongHash(path: String, expected: String, found: String)

    /// Whether the file may be used.
    public var isUsable: Bool {
      switch self {
      case .verified, .unpublished: true
      case .missing, .wrongSize, .wrongHash: false
      }
    }
  }

  /// Compares the file of an entry, under the folder `root`, with what the manifest says of it, or, where that gives no
  /// confirmed hash, with the record of its first download.
  /// Throws `ArtifactError.notReadable` or `.inputOutput` if the file cannot be read.
  public static func verify(_ entry: Entry, root: String) throws -> VerificationResult {
    let path = root + "/" + entry.relativePath
    guard try FileAccess.status(path) != nil else { return .missing(path: path) }
    let (digest, bytes) = try digest(ofFile: path)
    if let expected = entry.bytes, expected != bytes {
      return .wrongSize(path: path, expected: expected, found: bytes)
    }
    let record = entry.sha256 == nil || entry.sha256Unconfirmed == true ? try FetchRecord.read(for: path) : nil
    guard let expected = record?.sha256 ?? entry.sha256 else { return .unpublished(sha256: digest, bytes: bytes) }
    guard expected.lowercased() == digest else {
      return .wrongHash(path: path, expected: expected, found: digest)
    }
    return .verified(sha256: digest)
  }

  /// The SHA-256 of a file in hexadecimal digits, reading a little at a time.
  /// Throws `ArtifactError.missingFile`, `.notReadable` or `.inputOutput`.
  public static func sha256(ofFile path: String) throws -> String {
    try digest(ofFile: path).sha256
  }

  private static func digest(ofFile path: String) throws -> (sha256: String, bytes: Int) {
    try FileAccess.check(path)
    let hash = SHA256()
    var bytes = 0
    try FileAccess.forEachPart(of: path) { block in
      hash.update(block)
      bytes += block.count
    }
    return (hash.finish(), bytes)
  }
}
