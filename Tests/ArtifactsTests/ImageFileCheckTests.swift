import Foundation
import TestSupport
import Testing

@testable import Artifacts

@Suite struct ImageFileCheckTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func check(_ data: Data) throws -> ImageFileCheck {
    try ImageFileCheck(try folder.overwrite([UInt8](data), "a.png"))
  }

  @Test(arguments: [PNGFixture.rgb8, .rgb16, .gray8, .gray16, .gray1, .palette4, .interlaced])
  func imagesWithoutAlpha(_ fixture: PNGFixture) throws {
    let found = try check(fixture.data)
    #expect(found.width == 5 && found.height == 4 && !found.hasAlpha)
  }

  @Test(arguments: [PNGFixture.rgba8, .grayAlpha8, .paletteTransparent])
  func imagesWithAlpha(_ fixture: PNGFixture) throws {
    let found = try check(fixture.data)
    #expect(found.width == 5 && found.height == 4 && found.hasAlpha)
  }

  @Test func filesCutShortAreRefusedWhereverTheyAreCut() {
    let whole = PNGFixture.paletteTransparent.data
    for length in 0..<whole.count {
      let error = artifactError { _ = try check(whole.prefix(length)) }
      #expect(name(of: error) == (length < 8 ? "wrongFormat" : "corrupt"), "length \(length)")
    }
  }

  /// Every byte after the signature is a length or under a checksum.
  @Test func everyFlippedBitIsFound() {
    var data = PNGFixture.rgb8.data
    for offset in data.indices {
      data[offset] ^= 0x10
      let error = artifactError { _ = try check(data) }
      #expect(name(of: error) == (offset < 8 ? "wrongFormat" : "corrupt"), "offset \(offset)")
      data[offset] ^= 0x10
    }
  }

  /// What the decoder will refuse is told beforehand, and no size is worked with that has not been.
  @Test(arguments: [PNGFixture.tooWide, .tooManyPixels]) func sidesBeyondTheDecodersAreRefused(_ fixture: PNGFixture) {
    #expect(name(of: artifactError { _ = try check(fixture.data) }) == "tooLarge")
  }

  @Test func otherFilesAreRefusedInOneLine() {
    let text = artifactError { _ = try check(Data("text\n".utf8)) }
    #expect(name(of: text) == "wrongFormat" && text?.exitCode == 65)
    #expect(text?.description.contains("neither a PNG nor a JPEG file") == true)
    #expect(name(of: artifactError { _ = try check(Data()) }) == "wrongFormat")
    #expect(name(of: artifactError { _ = try ImageFileCheck(folder.file("none.png")) }) == "missingFile")
  }
}
