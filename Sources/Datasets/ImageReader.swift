import Artifacts

/// Reads images of an `ImageInput`, from the first on, on one thread.
public final class ImageReader {
  /// Images that follow each other.
  public struct Batch: Sendable {
    /// Number of images, without bad ones.
    public let count: Int
    /// (count, h, w, 3).
    public let pixels: [UInt8]
    /// Files that turned out unusable when they were decoded, and were skipped.
    public let bad: [ArtifactError]
  }

  private let input: ImageInput
  private let array: NumPyImages?

  /// Throws `ArtifactError` for a NumPy file that has changed.
  public init(_ input: ImageInput) throws {
    self.input = input
    if case .array(let file) = input.source {
      array = try file.images(ImageInput.arrayName)
    } else {
      array = nil
    }
  }

  /// The images of a range (`ImageInput.batches`), which lies behind those that were read before.
  ///
  /// Throws `DatasetError.unreadable` for a file that cannot be decoded, unless bad ones are skipped; `.mixedSizes` for
  /// one that was replaced meanwhile; `ArtifactError` for a damaged NumPy file.
  public func read(_ range: Range<Int>) throws -> Batch {
    switch input.source {
    case .array: try readArray(range)
    case .files(let files): try read(files[range])
    }
  }

  private func readArray(_ range: Range<Int>) throws -> Batch {
    guard let array else { preconditionFailure("ImageReader: an array that was not opened") }
    try array.skip(to: range.lowerBound)
    let pixels = try array.next(range.count)
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

  private func read(_ files: ArraySlice<String>) throws -> Batch {
    var (pixels, count, bad): ([UInt8], Int, [ArtifactError]) = ([], 0, [])
    pixels.reserveCapacity(files.count * input.size.width * input.size.height * 3)
    for file in files {
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

extension ImageInput {
  /// Bytes of pixels in a batch, above which it has fewer images.
  private static let batchBytes = 256 << 20

  /// The images cut into batches of `limit`, or fewer where they are large.
  public func batches(of limit: Int) -> [Range<Int>] {
    var pixels = size.width * size.height
    if case .array(let file) = source, let stored = file.entry(Self.arrayName)?.shape {
      pixels = max(pixels, stored[1] * stored[2])
    }
    let limit = min(limit, max(1, Self.batchBytes / (3 * pixels)))
    return stride(from: 0, to: count, by: limit).map { $0..<min($0 + limit, count) }
  }
}
