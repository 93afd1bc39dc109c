import CShims
import Foundation

extension RGBImage {
  /// Decodes the contents of a JPEG file; `path` is for error messages. Throws as `read`.
  static func decode(jpeg data: Data, path: String) throws -> RGBImage {
    var buffer = dd2_jpeg_buffer()
    defer { free(buffer.bytes) }
    var message = [CChar](repeating: 0, count: 256)
    let (status, orientation) = data.withUnsafeBytes { bytes in
      (
        dd2_jpeg_decode(
          bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, maximumBytes, &buffer, &message, message.count),
        JPEGParts.orientation(of: bytes)
      )
    }
    switch Int(status) {
    case DD2_JPEG_OK: break
    case DD2_JPEG_TOO_LARGE: throw tooLarge(path, width: Int(buffer.width), height: Int(buffer.height))
    case DD2_JPEG_UNSUPPORTED:
      throw ArtifactError.unsupported(path: path, detail: "a rare kind of JPEG (\(text(of: message)))")
    default: throw ArtifactError.corrupt(path: path, detail: text(of: message))
    }
    let pixels = UnsafeBufferPointer(start: buffer.bytes, count: buffer.count)
    return orientation.applied(to: pixels, width: Int(buffer.width), height: Int(buffer.height))
  }
}
