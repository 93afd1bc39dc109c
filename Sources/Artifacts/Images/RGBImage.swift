/// An image of 8-bit RGB pixels.
public struct RGBImage: Sendable, Equatable {
  /// What to do with an image that has transparency.
  public enum AlphaPolicy: Sendable {
    /// Refuse it: whatever is done to alpha changes the statistics of a data set.
    case refuse
    /// Forget alpha and keep the colours beneath it.
    case drop
  }

  /// Pixels in a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Rows from the top, pixels from the left, red, green, blue: shape `[height, width, 3]`.
  public let pixels: [UInt8]

  /// Precondition: both sides are positive and there are `height * width * 3` bytes of pixels.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(width > 0 && height > 0, "RGBImage: sides \(width) x \(height) must be positive")
    precondition(
      pixels.count == width * height * 3,
      "RGBImage: \(width) x \(height) needs \(width * height * 3) bytes, got \(pixels.count)")
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// The image with each pixel repeated `factor` times both ways.
  public func scaled(by factor: Int) -> RGBImage {
    precondition(factor > 0, "RGBImage.scaled: the factor \(factor) must be positive")
    var result: [UInt8] = []
    result.reserveCapacity(pixels.count * factor * factor)
    for y in 0..<height {
      var row: [UInt8] = []
      row.reserveCapacity(width * factor * 3)
      for x in 0..<width {
        let pixel = pixels[(y * width + x) * 3..<(y * width + x + 1) * 3]
        for _ in 0..<factor { row.append(contentsOf: pixel) }
      }
      for _ in 0..<factor { result.append(contentsOf: row) }
    }
    return RGBImage(width: width * factor, height: height * factor, pixels: result)
  }

  /// Images of one size laid out row by row, `columns` to a row, with `padding` white pixels between them;
  /// places left over are white.
  ///
  /// Precondition: there is an image, and all have the same size.
  public static func grid(images: [RGBImage], columns: Int, padding: Int = 2) -> RGBImage {
    guard let first = images.first else { preconditionFailure("RGBImage.grid: no images") }
    precondition(columns > 0 && padding >= 0, "RGBImage.grid: \(columns) columns, padding \(padding)")
    let columns = min(columns, images.count)
    let rows = (images.count + columns - 1) / columns
    let width = columns * (first.width + padding) - padding
    let height = rows * (first.height + padding) - padding
    var pixels = [UInt8](repeating: 255, count: width * height * 3)
    for (index, image) in images.enumerated() {
      precondition(
        image.width == first.width && image.height == first.height,
        "RGBImage.grid: image \(index) is \(image.width) x \(image.height), "
          + "the first \(first.width) x \(first.height)")
      let left = (index % columns) * (first.width + padding)
      let top = (index / columns) * (first.height + padding)
      for y in 0..<image.height {
        let target = ((top + y) * width + left) * 3
        let source = y * image.width * 3
        pixels.replaceSubrange(
          target..<target + image.width * 3, with: image.pixels[source..<source + image.width * 3])
      }
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }
}
