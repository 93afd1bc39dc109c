import Foundation
import TestSupport
import Testing

@testable import Artifacts

@Suite struct PNGTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func image(_ pixel: (Int, Int) -> [Int]) -> RGBImage {
    let pixels = (0..<4).flatMap { y in (0..<5).flatMap { x in pixel(x, y).map { UInt8($0) } } }
    return RGBImage(width: 5, height: 4, pixels: pixels)
  }

  private var color: RGBImage { image { x, y in [x * 50, y * 60, x * y * 10] } }
  private var gray: RGBImage { image { x, y in [Int](repeating: x * 50 + y, count: 3) } }
  private var palette: RGBImage {
    image { x, y in [[255, 0, 0], [0, 255, 0], [10, 20, 30]][(x + y) % 3] }
  }

  private func read(_ fixture: PNGFixture, alpha: RGBImage.AlphaPolicy = .refuse) throws -> RGBImage {
    try RGBImage.read(try folder.write(fixture.data, "\(fixture).png"), alpha: alpha)
  }

  @Test func readsEveryColorTypeAndDepth() throws {
    #expect(try read(.rgb8) == color)
    #expect(try read(.rgb16) == color)
    #expect(try read(.interlaced) == color)
    #expect(try read(.gray8) == gray)
    #expect(try read(.gray16) == gray)
    #expect(try read(.gray1) == image { x, y in [Int](repeating: (x + y) % 2 * 255, count: 3) })
    #expect(try read(.palette4) == palette)
  }

  @Test(arguments: [PNGFixture.rgba8, .grayAlpha8, .paletteTransparent])
  func alphaIsRefusedUnlessDropped(_ fixture: PNGFixture) throws {
    #expect(name(of: artifactError { _ = try read(fixture) }) == "unsupported")
    let expected = [PNGFixture.rgba8: color, .grayAlpha8: gray, .paletteTransparent: palette][fixture]
    #expect(try read(fixture, alpha: .drop) == expected)
  }

  @Test func textNamedPNGIsRefusedInOneLine() throws {
    let path = try folder.write(Data("This is text,\nnot an image.\n".utf8), "text.png")
    let error = artifactError { _ = try RGBImage.read(path) }
    #expect(error == .wrongFormat(path: path, detail: "neither a PNG nor a JPEG file"))
    #expect(error?.description.contains("\n") == false)
    #expect(error?.exitCode == 65)
  }

  @Test func filesCutShortAreRefusedWhereverTheyAreCut() throws {
    let whole = PNGFixture.interlaced.data
    for length in 0..<whole.count {
      let path = try folder.write(whole.prefix(length), "cut.png")
      let error = artifactError { _ = try RGBImage.read(path) }
      #expect(name(of: error) == (length < 8 ? "wrongFormat" : "corrupt"), "length \(length)")
    }
  }

  @Test func aFlippedBitNeverChangesThePixels() throws {
    var data = PNGFixture.rgb8.data
    for offset in data.indices {
      data[offset] ^= 0x10
      let found = Result { try RGBImage.decode(data, path: "damaged.png") }
      switch found {
      case .success(let found): #expect(found == color, "offset \(offset)")
      case .failure(let error): #expect(error is ArtifactError, "offset \(offset)")
      }
      data[offset] ^= 0x10
    }
  }

  @Test func hugeClaimsAreRefused() {
    #expect(name(of: artifactError { _ = try read(.tooWide) }) == "tooLarge")
    #expect(name(of: artifactError { _ = try read(.tooManyPixels) }) == "tooLarge")
  }

  @Test func comesBackAsWritten() throws {
    let pixels = (0..<61 * 47 * 3).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
    let image = RGBImage(width: 61, height: 47, pixels: pixels)
    try image.write(folder.file("a.png"))
    #expect(try RGBImage.read(folder.file("a.png")) == image)
    #expect(try folder.names() == ["a.png"])
    let error = artifactError { try image.write(folder.file("none/a.png")) }
    #expect(name(of: error) == "cannotCreate")
  }

  @Test func scalingRepeatsPixels() {
    let image = RGBImage(width: 2, height: 1, pixels: [1, 2, 3, 4, 5, 6])
    let row: [UInt8] = [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]
    #expect(image.scaled(by: 2) == RGBImage(width: 4, height: 2, pixels: row + row))
  }

  @Test func gridsFillRowByRow() {
    let images = (1...3).map { RGBImage(width: 1, height: 1, gray: UInt8($0)) }
    let grid = RGBImage.grid(images: images, columns: 2, padding: 1)
    let values: [UInt8] = [1, 255, 2, 255, 255, 255, 3, 255, 255]
    #expect(grid == RGBImage(width: 3, height: 3, pixels: values.flatMap { [$0, $0, $0] }))
    #expect(RGBImage.grid(images: images, columns: 9, padding: 0).width == 3)
  }
}
