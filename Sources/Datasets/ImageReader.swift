import Artifacts

/// Reads the images of an `ImageInput` from the first to the last, on one thread.
public final class ImageReader {
  /// Images that follow each other.
  public struct Batch: Sendable {
    /// Number of images.
    public let count: Int
    /// (count, h, w, 3).
    public let pixels: [UInt8]
    /// Files that turned out unusable when they were decoded, and were skipped.
    public let bad: [ArtifactError]
  }

  private let input: ImageInput
  private let array: NumPyImages?
  private var position = 0

  /// Throws `ArtifactError` for a NumPy file that has changed.
  public init(_ input: ImageInput) throws {
    self.input = input
    if case .array(let file) = input.source {
      array = try file.images(ImageInput.arrayName)
    } else {
      array = nil
    }
  }

  /// Bytes of pixels in a batch, above which it has fewer images.
  private static let batchBytes = 256 << 20

  /// The next images, `limit` of them unless fewer are left or they are large; nil after the last.
  ///
  /// Throws `DatasetError.unreadable` for a file that cannot be decoded, unless bad ones are skipped; `.mixedSizes` for
  /// one that was replaced meanwhile; `ArtifactError` for a damaged NumPy file.
  public func next(_ limit: Int) throws -> Batch? {
    let sides = [array.map { $0.width * $0.height } ?? 0, input.size.width * input.size.height]
    let limit = min(limit, max(1, Self.batchBytes / (3 * (sides.max() ?? 1))))
    switch input.source {
    case .array: return try nextOfArray(limit)
    case .files(let files): return try nextOfFiles(files, limit)
    }
  }

  private func nextOfArray(_ limit: Int) throws -> Batch? {
    guard let array else { return nil }
    let pixels = try array.next(limit)
    guard !pixels.isEmpty else { return nil }
    let bytes = array.width * array.height * 3
    let count = pixels.count / bytes
    guard input.resizedCount > 0 else { return Batch(count: count, pixels: pixels, bad: []) }
    let scaled = (0..<count).flatMap { index in
      let image = RGBImage(
        width: array.width, height: array.height, pixels: Array(pixels[index * bytes..<(index + 1) * bytes]))
      return input.options.fitted(image).pixels
    }
    return Batch(count: count, pixels: scaled, bad: [])
  }

  private func nextOfFiles(_ files: [String], _ limit: Int) throws -> Batch? {
    guard position < files.count else { return nil }
    var (pixels, count, bad): ([UInt8], Int, [ArtifactError]) = ([], 0, [])
    pixels.reserveCapacity(limit * input.size.width * input.size.height * 3)
    while count < limit, position < files.count {
      let file = files[position]
      position += 1
      do {
        pixels += try read(file)
        count += 1
      } catch let error as ArtifactError {
        guard input.options.skipsBad else { throw DatasetError.unreadable(error) }
        bad.append(error)
      }
    }
    return Batch(count: count, pixels: pixels, bad: bad)
  }

  private func read(_ file: String) throws -> [UInt8] {
    let image = input.options.fitted(try RGBImage.read(file, alpha: input.options.alpha))
    guard image.width == input.size.width, image.height == input.size.height else {
      throw DatasetError.mixedSizes(
        path: file, expected: [input.size.height, input.size.width], found: [image.height, image.width])
    }
    return image.pixels
  }
}
