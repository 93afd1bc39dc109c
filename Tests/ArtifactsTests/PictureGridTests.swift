import Testing

@testable import Artifacts

@Suite struct PictureGridTests {
  /// Black pixels as `#`.
  private func lines(_ image: RGBImage, _ rows: Range<Int>, _ columns: Range<Int>) -> [String] {
    rows.map { y in
      columns.map { x in image.pixels[(y * image.width + x) * 3] == 0 ? "#" : "." }.joined()
    }
  }

  private static let cell = RGBImage(width: 8, height: 8, pixels: .init(repeating: 128, count: 192))

  @Test func hasNamesAboveColumnsAndTitlesAboveBlocks() {
    let image = PictureGrid(
      columns: 2, columnNames: ["a long name", "T"],
      blocks: [.init(title: "x", images: [Self.cell, Self.cell]), .init(title: "teacher", images: [Self.cell])]
    ).image
    // The title is wider than two images of 16 pixels with 2 between them.
    #expect((image.width, image.height) == (7 * 6, 15 + 2 * (15 + 16)))
    // A name that is too long is cut and says so: two letters fit beside one another.
    #expect(
      lines(image, 3..<13, 0..<12) == [
        "............", "............", "............", ".###........", "....#.......", ".####.......",
        "#...#.......", "#..##...#...", ".##.#..###..", "........#...",
      ])
    #expect(
      lines(image, 3..<13, 18..<24) == [
        "#####.", "..#...", "..#...", "..#...", "..#...", "..#...", "..#...", "..#...", "..#...", "......",
      ])
    // Images below their titles, white where there is none.
    func pixel(_ x: Int, _ y: Int) -> UInt8 { image.pixels[(y * image.width + x) * 3] }
    #expect(pixel(0, 30) == 128 && pixel(33, 45) == 128 && pixel(17, 30) == 255 && pixel(34, 30) == 255)
    #expect(pixel(0, 61) == 128 && pixel(18, 61) == 255)
  }

  @Test func lettersThatTheFontHas() {
    #expect(RGBImage.canWrite("Gerät 7 ñ") && !RGBImage.canWrite("猫") && !RGBImage.canWrite("a\tb"))
  }
}
