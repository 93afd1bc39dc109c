import CShims
import Foundation

extension RGBImage {
  /// Larger images than this many bytes of pixels are refused; a small file can claim any size.
  private static let maximumBytes = 1 << 30
  /// Likewise sides.
  private static let maximumSide = 65535

  /// Whether an image of these sides is within the limits.
  static func canDecode(width: Int, height: Int) -> Bool {
    max(width, height) <= maximumSide && width * height * 3 <= maximumBytes
  }

  /// Reads a PNG file of any colour type and depth: palettes are looked up, gray is repeated, 16 bits are
  /// rounded to 8.
  ///
  /// Throws `ArtifactError.missingFile`, `.notReadable`, `.wrongFormat` if it is not PNG, `.corrupt`,
  /// `.tooLarge` for sides above 65,535 or more than 1 GiB, `.unsupported` for alpha unless it is dropped.
  public static func read(_ path: String, alpha: AlphaPolicy = .refuse) throws -> RGBImage {
    try decode(try FileAccess.contents(of: path), path: path, alpha: alpha)
  }

  /// Decodes the contents of a PNG file; `path` is for error messages. Throws as `read`.
  public static func decode(_ data: Data, path: String, alpha: AlphaPolicy = .refuse) throws -> RGBImage {
    var buffer = dd2_png_buffer()
    defer { free(buffer.bytes) }
    var message = [CChar](repeating: 0, count: 256)
    let status = data.withUnsafeBytes { bytes in
      dd2_png_decode(
        bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, alpha == .drop ? 1 : 0, maximumBytes,
        &buffer, &message, message.count)
    }
    let size = "\(buffer.width) x \(buffer.height)"
    switch Int(status) {
    case DD2_PNG_OK: break
    case DD2_PNG_NOT_PNG:
      let kind = FileKind([UInt8](data.prefix(FileKind.prefixLength)))
      throw ArtifactError.wrongFormat(path: path, detail: kind.mismatch("not a PNG file"))
    case DD2_PNG_HAS_ALPHA: throw ArtifactError.unsupported(path: path, detail: "it has transparency")
    case DD2_PNG_TOO_LARGE, DD2_PNG_NO_MEMORY:
      throw ArtifactError.tooLarge(path: path, detail: "an image of \(size) pixels is too large")
    default: throw ArtifactError.corrupt(path: path, detail: text(of: message))
    }
    let pixels = Array(UnsafeBufferPointer(start: buffer.bytes, count: buffer.count))
    return RGBImage(width: Int(buffer.width), height: Int(buffer.height), pixels: pixels)
  }

  /// The image as the contents of a PNG file. Precondition: the sides are at most 65,535.
  public func encodedPNG() -> Data {
    precondition(max(width, height) <= Self.maximumSide, "RGBImage.encodedPNG: \(width) x \(height) is too large")
    var buffer = dd2_png_buffer()
    defer { free(buffer.bytes) }
    var message = [CChar](repeating: 0, count: 256)
    let status = dd2_png_encode(pixels, UInt32(width), UInt32(height), &buffer, &message, message.count)
    precondition(Int(status) == DD2_PNG_OK, "RGBImage.encodedPNG: \(Self.text(of: message))")
    return Data(UnsafeBufferPointer(start: buffer.bytes, count: buffer.count))
  }

  /// Writes a PNG file in one piece. Throws `ArtifactError.cannotCreate` or `.inputOutput`.
  public func write(_ path: String) throws {
    try AtomicFile.write(encodedPNG(), to: path)
  }

  private static func text(of message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
