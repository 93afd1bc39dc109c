import Foundation

/// What an image file says of itself: enough to tell beforehand that it will be read, without decoding it. Of a PNG file
/// all checksums are right; a JPEG file is whole, and has no checksums.
public struct ImageFileCheck: Codable, Equatable, Sendable {
  /// The formats that `RGBImage.read` reads.
  public enum Format: String, Codable, Sendable {
    case png, jpeg
  }

  /// What it is, whatever its name says.
  public let format: Format
  /// Pixels in a row of the image that is read, which an orientation may have turned.
  public let width: Int
  /// Its rows.
  public let height: Int
  /// Whether it has an alpha channel or a transparent colour.
  public let hasAlpha: Bool
  /// Another image has another one: of PNG, of the checksums of its parts, of JPEG, of all bytes.
  public let checksum: UInt32

  /// Walks through the parts of a file; `path` is for error messages.
  ///
  /// Throws `ArtifactError.missingFile`, `.notReadable`, `.wrongFormat` if it is neither PNG nor JPEG, `.corrupt` for a
  /// wrong checksum or a file cut short, `.tooLarge` and `.unsupported` as `RGBImage.read`.
  public init(_ path: String) throws {
    let file = MappedBytes(try MappedFile(path))
    // The next reader of the file finds it in the system's cache; it need not count as ours meanwhile.
    defer { file.releasePages() }
    switch FileKind(file.withUnsafeBytes { [UInt8]($0.prefix(FileKind.prefixLength)) }) {
    case .png: try self.init(png: file)
    case .jpeg: try self.init(jpeg: file)
    default: throw FileKind.mismatch(file, expected: FileKind.noImage)
    }
  }

  init(format: Format, width: Int, height: Int, hasAlpha: Bool, checksum: UInt32) {
    self.format = format
    self.width = width
    self.height = height
    self.hasAlpha = hasAlpha
    self.checksum = checksum
  }
}

extension FileKind {
  /// What a file is not that is no image that can be read.
  static let noImage = "neither a PNG nor a JPEG file"
}
