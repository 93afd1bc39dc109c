import Foundation
import TestSupport
import Testing

@testable import Artifacts

@Suite struct JPEGTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private static let kinds =
    ["420", "422", "444", "progressive", "restart", "gray", "cmyk", "ycck"] + (1...8).map { "exif\($0)" }

  private func bytes(_ name: String) throws -> [UInt8] { [UInt8](try ImageFixture.data(name + ".jpg")) }

  private func decode(_ bytes: [UInt8]) throws -> RGBImage { try RGBImage.decode(Data(bytes), path: "a.jpg") }

  private func check(_ bytes: [UInt8]) throws -> ImageFileCheck {
    try ImageFileCheck(try folder.overwrite(bytes, "a.jpg"))
  }

  /// The bytes with others where `old` begins for the first time.
  private func replacing(_ old: [UInt8], by new: [UInt8], in bytes: [UInt8]) throws -> [UInt8] {
    let place = try #require(bytes.indices.first { bytes[$0...].starts(with: old) })
    return bytes[..<place] + new + bytes[(place + old.count)...]
  }

  /// Where a marker stands.
  private func place(_ marker: UInt8, in bytes: [UInt8]) throws -> Int {
    try #require(bytes.indices.first { bytes[$0...].starts(with: [0xFF, marker]) })
  }

  // MARK: Pixels

  /// Pixels that Pillow read with libjpeg-turbo; another libjpeg may round another way.
  @Test(arguments: kinds) func pixelsOfPillow(_ kind: String) throws {
    let expected = try RGBImage.read(ImageFixture.path(kind + ".png"))
    let found = try RGBImage.read(ImageFixture.path(kind + ".jpg"))
    #expect(try #require(found.difference(from: expected)) <= 1)
    let check = try ImageFileCheck(ImageFixture.path(kind + ".jpg"))
    #expect(check.format == .jpeg && !check.hasAlpha)
    #expect((check.width, check.height) == (expected.width, expected.height))
  }

  /// Not every libjpeg reads these.
  @Test func arithmeticCoding() throws {
    let path = ImageFixture.path("arithmetic.jpg")
    do {
      let expected = try RGBImage.read(ImageFixture.path("arithmetic.png"))
      #expect(try #require(try RGBImage.read(path).difference(from: expected)) <= 1)
    } catch ArtifactError.unsupported {}
  }

  @Test func contentsCountNotNames() throws {
    let jpeg = try folder.write(try ImageFixture.data("420.jpg"), "a.png")
    let png = try folder.write(PNGFixture.rgb8.data, "b.JPEG")
    #expect(try RGBImage.read(jpeg).width == 47 && ImageFileCheck(jpeg).format == .jpeg)
    #expect(try RGBImage.read(png).width == 5 && ImageFileCheck(png).format == .png)
  }

  // MARK: Orientation

  /// A block of EXIF of which this is the directory.
  private func orientation(_ directory: [UInt8], head: String = "II*\0\u{8}\0\0\0") -> ImageOrientation {
    (Array(head.utf8) + directory).withUnsafeBytes { ImageOrientation(exif: $0) }
  }

  @Test func valuesOfOtherTypes() {
    let entry: [UInt8] = [1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]
    #expect(orientation(entry) == .quarterTurned)
    #expect(orientation(entry + [0, 0, 0, 0]) == .quarterTurned)
    for (offset, byte) in [(4, UInt8(4)), (4, 1)] {
      var other = entry
      other[offset] = byte
      #expect(orientation(other) == .quarterTurned)
    }
    let big: [UInt8] = [0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 8, 0, 0]
    #expect(orientation(big, head: "MM\0*\0\0\0\u{8}") == .threeQuarterTurned)
  }

  /// Damage is no reason to refuse an image whose pixels are sound.
  @Test func damagedBlocksAreUpright() throws {
    let entry: [UInt8] = [1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]
    for length in entry.indices { #expect(orientation(Array(entry[..<length])) == .upright) }
    for (offset, byte) in [(2, UInt8(0x13)), (4, 2), (4, 7), (6, 2), (10, 0), (10, 9)] {
      var other = entry
      other[offset] = byte
      #expect(orientation(other) == .upright)
    }
    for head in [
      "IM*\0\u{8}\0\0\0", "XX*\0\u{8}\0\0\0", "II+\0\u{8}\0\0\0", "II*\0\u{7F}\0\0\0", "II*\0\u{7F}\u{7F}\u{7F}\u{7F}",
    ] {
      #expect(orientation(entry, head: head) == .upright)
    }
    let turned = try bytes("exif6")
    #expect(try decode(turned).width == 12)
    let damaged = try replacing(Array("Exif\0\0MM".utf8), by: Array("Exif\0\0MI".utf8), in: try bytes("exif7"))
    #expect(try decode(damaged).width == 19 && check(damaged).width == 19)
  }

  // MARK: Damage

  /// What lies behind the image is nobody's loss.
  @Test func bytesAfterTheEndAreIgnored() throws {
    let whole = try bytes("420")
    for tail in [[0], [0xFF], [UInt8](repeating: 7, count: 5000), whole] {
      #expect(try decode(whole + tail) == decode(whole))
      #expect(try check(whole + tail).width == 47)
    }
  }

  @Test(arguments: ["420", "progressive", "restart", "cmyk", "exif6"])
  func filesCutShortAreRefusedWhereverTheyAreCut(_ kind: String) throws {
    let whole = try bytes(kind)
    for length in 0..<whole.count {
      let cut = Array(whole[..<length])
      let expected = length < 3 ? "wrongFormat" : "corrupt"
      #expect(name(of: artifactError { _ = try decode(cut) }) == expected, "length \(length)")
      #expect(name(of: artifactError { _ = try check(cut) }) == expected, "length \(length)")
      // Whole for the walk, and not for the decoder, which would go on with gray. A progressive file may leave out scans.
      guard length > 700, length < whole.count - 2, kind != "progressive" else { continue }
      #expect(name(of: artifactError { _ = try decode(cut + [0xFF, 0xD9]) }) == "corrupt", "length \(length)")
    }
  }

  /// A header may be taken at its word only where the data bears it out.
  @Test(arguments: ["420", "progressive", "gray", "restart"]) func liesAboutTheSize(_ kind: String) throws {
    let whole = try bytes(kind)
    let header = try place(kind == "progressive" ? 0xC2 : 0xC0, in: whole)
    for (offset, value) in [(5, 33), (5, 200), (5, 65535), (7, 47), (7, 200), (7, 65535), (5, 0), (7, 0), (5, 9)] {
      var lie = whole
      (lie[header + offset], lie[header + offset + 1]) = (UInt8(value >> 8), UInt8(value & 255))
      let found = Result { try decode(lie) }
      switch found {
      case .success(let image):
        #expect(value < 48 && [image.width, image.height].contains(value), "\(offset) \(value)")
      case .failure(let error): #expect(error is ArtifactError && value != 33 + 14 * (offset - 5) / 2)
      }
    }
  }

  @Test func hugeClaimsAreRefused() throws {
    var claim = try bytes("progressive")
    let header = try place(0xC2, in: claim)
    for offset in [5, 7] { (claim[header + offset], claim[header + offset + 1]) = (0xEA, 0x60) }
    #expect(name(of: artifactError { _ = try decode(claim) }) == "tooLarge")
    #expect(name(of: artifactError { _ = try check(claim) }) == "tooLarge")
  }

  /// A scan costs as much as the image is large, and a few bytes in the file.
  @Test func endlessScansAreRefused() throws {
    let whole = try bytes("progressive")
    let scan = try place(0xDA, in: whole)
    let next = try #require(
      (scan + 2..<whole.count).first { whole[$0] == 0xFF && whole[$0 + 1] != 0 })
    // Its first scan, of the full precision: again it says nothing new, and is no damage.
    var once = Array(whole[scan..<next])
    once[4 + 2 * Int(once[4]) + 3] = 0
    func repeated(_ count: Int) -> [UInt8] {
      whole[..<scan] + [[UInt8]](repeating: once, count: count).joined() + [0xFF, 0xD9]
    }
    #expect(try decode(repeated(2)).width == 47)
    let error = artifactError { _ = try decode(repeated(600)) }
    #expect(name(of: error) == "corrupt" && error?.description.contains("scans") == true)
  }

  @Test func otherKindsAreRefusedInOneLine() throws {
    let whole = try bytes("420")
    let header = try place(0xC0, in: whole)
    func changed(_ offset: Int, _ value: UInt8) -> [UInt8] {
      var bytes = whole
      bytes[header + offset] = value
      return bytes
    }
    // Lossless; of 12 bits; of two components.
    for other in [changed(1, 0xC3), changed(4, 12)] {
      for error in [artifactError { _ = try decode(other) }, artifactError { _ = try check(other) }] {
        #expect(name(of: error) == "unsupported" && error?.description.contains("convert") == true)
      }
    }
    #expect(artifactError { _ = try decode(changed(9, 2)) } != nil)
    let text = artifactError { _ = try decode(Array("RIFF....WEBP".utf8)) }
    #expect(text == .wrongFormat(path: "a.jpg", detail: "neither a PNG nor a JPEG file"))
  }

  /// What libjpeg makes up for without losing a pixel.
  @Test func harmlessOddities() throws {
    let whole = try bytes("420")
    let tables = try place(0xDB, in: whole)
    let stuffed = whole[..<tables] + [0, 0, 0xFF, 0xFF] + whole[tables...]
    #expect(try decode(Array(stuffed)) == decode(whole) && check(Array(stuffed)).width == 47)
    let version = try replacing(Array("JFIF\0".utf8) + [1], by: Array("JFIF\0".utf8) + [9], in: whole)
    #expect(try decode(version) == decode(whole))
  }
}
