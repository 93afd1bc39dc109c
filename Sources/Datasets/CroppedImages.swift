import Artifacts
import Synchronization

/// Image files cropped to one size. What was read once is kept up to a bound, so that a small folder of photographs is
/// decoded once, not once an epoch.
final class CroppedImages: Sendable {
  private let crop: ImageCrop
  private let side: Int
  private let limit: Int
  private let kept = Mutex<[Int: [UInt8]]>([:])

  /// - Parameter limit: bytes of pixels to keep.
  init(_ crop: ImageCrop, side: Int, limit: Int = 512 << 20) {
    (self.crop, self.side, self.limit) = (crop, side, limit)
  }

  /// The pixels (side, side, 3) of image `index`, which is the file at `path`. Throws `ArtifactError`.
  func pixels(_ index: Int, at path: String) throws -> [UInt8] {
    if let pixels = kept.withLock({ $0[index] }) { return pixels }
    let pixels = crop.cropped(try RGBImage.read(path), side: side).pixels
    kept.withLock { if ($0.count + 1) * pixels.count <= limit { $0[index] = pixels } }
    return pixels
  }
}
