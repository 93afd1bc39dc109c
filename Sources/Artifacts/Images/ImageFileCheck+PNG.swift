extension ImageFileCheck {
  private static let signatureLength = 8

  /// Walks through the chunks of a PNG file, whose signature is right.
  init(png file: MappedBytes) throws {
    var position = Self.signatureLength
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
          throw RGBImage.tooLarge(file.path, width: width, height: height)
        }
        let color = body.int(UInt8.self, at: 13) ?? 0
        header = (width, height, color & 4 != 0)
      case Chunk.transparency: isTransparent = true
      case Chunk.pixels: hasPixels = true
      case Chunk.end:
        guard let header, hasPixels else {
          throw ArtifactError.corrupt(path: file.path, detail: "the image has no header or no pixels")
        }
        self.init(
          format: .png, width: header.width, height: header.height, hasAlpha: header.hasAlpha || isTransparent,
          checksum: sum)
        return
      default: break
      }
      position += 12 + length
    }
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
