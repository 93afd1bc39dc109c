import Artifacts
import Foundation
import TestSupport
import Testing

@testable import Datasets

@Suite struct ImageCropTests {
  private static let sizes = ["83x61", "61x107", "20x27", "64x64", "90x64", "203x152", "150x9", "32x32"]

  /// What VAR's and LlamaGen's own code made of the same pixels, through torchvision and Pillow.
  @Test(arguments: ImageCrop.allCases, sizes) func pixelsOfTheOriginals(_ crop: ImageCrop, _ size: String) throws {
    let photograph = try RGBImage.read(ImageFixture.path("photo-\(size).jpg"))
    let expected = try RGBImage.read(ImageFixture.path("photo-\(size)-\(crop.rawValue).png"))
    #expect(try #require(crop.cropped(photograph, side: 32).difference(from: expected)) <= 1)
  }

  /// A window is cut from the whole image, however little of it is computed.
  @Test(arguments: [ResamplingFilter.box, .bicubic, .lanczos]) func windowsAreOfTheWhole(_ filter: ResamplingFilter)
    throws
  {
    let image = try RGBImage.read(ImageFixture.path("photo-83x61.jpg"))
    for (width, height) in [(50, 40), (83, 61), (120, 61), (200, 170), (1, 1), (7, 300)] {
      let whole = image.resampled(filter, width: width, height: height, columns: 0..<width, rows: 0..<height)
      let (columns, rows) = (width / 3..<(width + 1) * 2 / 3, height / 4..<(height + 2) * 3 / 4)
      let window = image.resampled(
        filter, width: width, height: height, columns: columns, rows: rows.clamped(to: 0..<height))
      for (index, row) in rows.clamped(to: 0..<height).enumerated() {
        let expected = whole.pixels[(row * width + columns.lowerBound) * 3..<(row * width + columns.upperBound) * 3]
        #expect(window.pixels[index * window.width * 3..<(index + 1) * window.width * 3] == expected)
      }
    }
  }
}
