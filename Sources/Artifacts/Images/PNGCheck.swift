import Foundation

/// What a PNG file says of itself, with all its checksums right: enough to tell beforehand that it will be read, without
/// decoding it.
public struct PNGCheck: Equatable, Sendable {
  /// Pixels in a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Whether it has an alpha channel or a transparent colour.
  public let hasAlpha: Bool
  /// A checksum of the checksums of its parts: another image has another one.
  public let checksum: UInt32

  /// Walks through the chunks of a file; `path` is for error messages.
  ///
  /// Throws `ArtifactError.missingFile`, `.notReadable`, `.wrongFormat` if it is not PNG (and says when it is JPEG),
  /// `.corrupt` for a wrong checksum or a file cut short, `.tooLarge` as `RGBImage.read`.
  public init(_ path: String) throws {
    let file = MappedBytes(try MappedFile(path))
    // The next reader of the file finds it in the system's cache; it need not count as ours meanwhile.
    defer { file.releasePages() }
    try self.init(file)
  }

  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  private init(_ file: MappedBytes) throws {
    try Self.checkSignature(file)
    var position = Self.signature.count
    var header: (width: Int, height: Int, hasAlpha: Bool)?
    var isTransparent = false
    var hasPixels = false
    var sum: UInt32 = 0
    while true {
      guard let length = file.big(at: position), let kind = file.big(at: position + 4), length < 1 << 31,
        let body = file.slice(at: position + 4, count: length + 4), let checksum = file.big(at: position + 8 + length)
      else { throw ArtifactError.corrupt(path: file.path, detail: "the file ends too early") }
      guard Int(body.withUnsafeBytes { CRC32.checksum($0) }) == checksum else {
        throw ArtifactError.corrupt(path: file.path, detail: "the checksum of a part of the image is wrong")
      }
      sum = withUnsafeBytes(of: UInt32(checksum).littleEndian) { CRC32.checksum($0, after: sum) }
      switch kind {
      case Chunk.header:
        guard length == 13, header == nil, let width = body.big(at: 4), let height = body.big(at: 8), width > 0,
          height > 0
        else { throw ArtifactError.corrupt(path: file.path, detail: "the image's header is damaged") }
        guard RGBImage.canDecode(width: width, height: height) else {
          throw ArtifactError.tooLarge(path: file.path, detail: "an image of \(width) x \(height) pixels is too large")
        }
        let color = body.int(UInt8.self, at: 13) ?? 0
        header = (width, height, color & 4 != 0)
      case Chunk.transparency: isTransparent = true
      case Chunk.pixels: hasPixels = true
      case Chunk.end:
        guard let header, hasPixels else {
          throw ArtifactError.corrupt(path: file.path, detail: "the image has no header or no pixels")
        }
        (width, height, hasAlpha) = (header.width, header.height, header.hasAlpha || isTransparent)
        self.checksum = sum
        return
      default: break
      }
      position += 12 + length
    }
  }

  private static func checkSignature(_ file: MappedBytes) throws {
    let start = file.withUnsafeBytes { Array($0.prefix(8)) }
    guard start != signature else { return }
    if start.starts(with: [0xFF, 0xD8, 0xFF]) {
      throw ArtifactError.wrongFormat(
        path: file.path, detail: "a JPEG file, whose losses change FID")
    }
    throw FileKind.mismatch(file, expected: "not a PNG file")
  }

  /// Names of chunks, as big-endian numbers.
  private enum Chunk {
    static let header = 0x4948_4452
    static let transparency = 0x7452_4E53
    static let pixels = 0x4944_4154
    static let end = 0x4945_4E44
  }
}

extension MappedBytes {
  /// The big-endian number of 32 bits at `position`, nil if it reaches outside.
  fileprivate func big(at position: Int) -> Int? {
    int(UInt32.self, at: position).map { Int(UInt32(truncatingIfNeeded: $0).byteSwapped) }
  }
}
