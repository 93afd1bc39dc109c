import Foundation

extension RGBImage {
  /// Larger images than this many bytes of pixels, 113 million pixels, are refused: a small file can claim any size, and of a
  /// progressive JPEG libjpeg keeps twice as much beside them.
  static let maximumBytes = 340_000_000
  /// Likewise sides.
  static let maximumSide = 65535

  /// Whether an image of these sides is within the limits.
  static func canDecode(width: Int, height: Int) -> Bool {
    max(width, height) <= maximumSide && width * height * 3 <= maximumBytes
  }

  /// Reads a PNG or JPEG file, told apart by their contents. PNG of any colour type and depth: palettes are looked up,
  /// gray is repeated, 16 bits are rounded to 8. JPEG of 8 bits, baseline or progressive: gray is repeated, CMYK and YCCK
  /// are converted as Pillow does, and the EXIF orientation is applied, so that the pixels are those of Pillow's
  /// `ImageOps.exif_transpose(Image.open(path)).convert("RGB")` with the same libjpeg.
  ///
  /// Throws `ArtifactError.missingFile`, `.notReadable`, `.wrongFormat` if it is neither, `.corrupt`, also where pixels
  /// are lost that other programs make up for, `.tooLarge` for sides above 65,535 or more than 113 million pixels, `.unsupported` for
  /// alpha unless it is dropped, and for rare kinds of JPEG.
  public static func read(_ path: String, alpha: AlphaPolicy = .refuse) throws -> RGBImage {
    try decode(try FileAccess.contents(of: path), path: path, alpha: alpha)
  }

  /// Decodes the contents of a PNG or JPEG file; `path` is for error messages. Throws as `read`.
  public static func decode(_ data: Data, path: String, alpha: AlphaPolicy = .refuse) throws -> RGBImage {
    let kind = FileKind([UInt8](data.prefix(FileKind.prefixLength)))
    switch kind {
    case .png: return try decode(png: data, path: path, alpha: alpha)
    case .jpeg: return try decode(jpeg: data, path: path)
    default: throw ArtifactError.wrongFormat(path: path, detail: kind.mismatch(FileKind.noImage))
    }
  }

  static func tooLarge(_ path: String, width: Int, height: Int) -> ArtifactError {
    .tooLarge(path: path, detail: "an image of \(width) x \(height) pixels is too large")
  }

  /// A message of a C library.
  static func text(of message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
