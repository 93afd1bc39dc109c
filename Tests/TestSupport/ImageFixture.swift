import Artifacts
import Foundation

/// Small JPEG files and what Python makes of them (`Goldens/images`, by `scripts/image-references.py fixtures`).
public enum ImageFixture {
  /// The path of a file.
  public static func path(_ name: String) -> String { Goldens.path("images/" + name) }

  /// The contents of a file.
  public static func data(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path(name))) }
}

extension RGBImage {
  /// The largest difference of a byte from another image; nil where sizes differ.
  public func difference(from other: RGBImage) -> Int? {
    guard (width, height) == (other.width, other.height) else { return nil }
    return zip(pixels, other.pixels).map { abs(Int($0) - Int($1)) }.max()
  }
}
