import CShims
import Foundation

extension RGBImage {
  /// Decodes the contents of a PNG file; `path` is for error messages. Throws as `read`.
  static func decode(png data: Data, path: String, alpha: AlphaPolicy) throws -> RGBImage {
    var buffer = dd2_png_buffer()
    defer { free(buffer.bytes) }
    var message = [CChar](repeating: 0, count: 256)
    let status = data.withUnsafeBytes { bytes in
      dd2_png_decode(
        bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, alpha == .drop ? 1 : 0, maximumBytes,
        &buffer, &message, message.count)
    }
    switch Int(status) {
    case DD2_PNG_OK: break
    case DD2_PNG_NOT_PNG: throw ArtifactError.wrongFormat(path: path, detail: FileKind.noImage)
    case DD2_PNG_HAS_ALPHA: throw ArtifactError.unsupported(path: path, detail: "it has transparency")
    case DD2_PNG_TOO_LARGE, DD2_PNG_NO_MEMORY:
      throw tooLarge(path, width: Int(buffer.width), height: Int(buffer.height))
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
}
