/// What a file is by its first bytes, whatever its name says.
public enum FileKind: Equatable, Sendable {
  case hdf5, pytorch, safetensors, numPyArray, numPyArchive, zip, png, jpeg, html
  /// What Git leaves in place of a large file that was not fetched; the size is the large file's, nil if not stated.
  case lfsPointer(byteCount: Int?)
  /// Nothing that dd2 knows.
  case unknown

  /// Bytes that are enough to tell.
  static let prefixLength = 512

  /// The kind of a file. Throws `ArtifactError.missingFile`, `.notReadable` or `.inputOutput`.
  public init(ofFile path: String) throws {
    self.init(MappedBytes(try MappedFile(path)))
  }

  init(_ bytes: MappedBytes) {
    self.init(bytes.withUnsafeBytes { [UInt8]($0.prefix(Self.prefixLength)) })
    // The number that older PyTorch begins with is part of a pickle.
    if self == .unknown, PyTorchLegacy.matches(bytes) { self = .pytorch }
  }

  /// The kind of what begins with these bytes, `prefixLength` of them unless there are fewer.
  init(_ start: [UInt8]) {
    let found = Self.signatures.first { start.starts(with: $0.bytes) }?.kind
    switch found {
    case .zip: self = Self.archive(start)
    case let kind?: self = kind
    // The length of a header in JSON.
    case nil where start.count > 8 && start[8] == UInt8(ascii: "{") && start[6...7] == [0, 0]: self = .safetensors
    case nil: self = Self.text(String(decoding: start, as: UTF8.self))
    }
  }

  private static let signatures: [(bytes: [UInt8], kind: FileKind)] = [
    ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], .hdf5), ([0x93] + Array("NUMPY".utf8), .numPyArray),
    ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], .png), ([0xFF, 0xD8, 0xFF], .jpeg),
    ([0x50, 0x4B, 0x03, 0x04], .zip),
  ]

  /// An archive by the name of its first entry.
  private static func archive(_ start: [UInt8]) -> FileKind {
    guard start.count > 30 else { return .zip }
    let name = String(decoding: start[30...].prefix(Int(start[26]) | Int(start[27]) << 8), as: UTF8.self)
    if name.hasSuffix(".npy") { return .numPyArchive }
    return name.hasSuffix("/data.pkl") ? .pytorch : .zip
  }

  private static func text(_ start: String) -> FileKind {
    if start.hasPrefix("version https://git-lfs.github.com/spec/") {
      let size = start.split(separator: "\n").first { $0.hasPrefix("size ") }
      return .lfsPointer(byteCount: size.flatMap { Int($0.dropFirst("size ".count)) })
    }
    let words = start.drop { $0.isWhitespace || $0 == "\u{FEFF}" }.lowercased()
    return words.hasPrefix("<!doctype html") || words.hasPrefix("<html") ? .html : .unknown
  }

  /// What to call it in a message; nil for nothing that dd2 knows.
  public var title: String? {
    switch self {
    case .hdf5: "an HDF5 file"
    case .pytorch: "a PyTorch file"
    case .safetensors: "a safetensors file"
    case .numPyArray, .numPyArchive: "a NumPy file"
    case .zip: "a zip archive"
    case .png: "a PNG image"
    case .jpeg: "a JPEG image"
    case .html: "an HTML page, as a failed download leaves"
    case .lfsPointer(let byteCount):
      "a Git LFS pointer in place of a file of \(byteCount.map(String.init) ?? "unknown") bytes, which "
        + "'git lfs pull' fetches"
    case .unknown: nil
    }
  }

  /// The error for a file that is something else than was asked for.
  /// - Parameter expected: what it is not, such as "not an HDF5 file".
  static func mismatch(_ bytes: MappedBytes, expected: String) -> ArtifactError {
    .wrongFormat(path: bytes.path, detail: FileKind(bytes).mismatch(expected))
  }

  /// What is wrong with a file of this kind where another is expected.
  func mismatch(_ expected: String) -> String {
    switch self {
    // These say enough.
    case .html, .lfsPointer: title ?? expected
    default: title.map { "\($0), \(expected)" } ?? expected
    }
  }
}
