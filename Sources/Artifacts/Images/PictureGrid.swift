/// A picture of rows of images with words: names above the columns, a title above each block of rows.
public struct PictureGrid {
  /// Rows that belong together.
  public struct Block {
    /// What they are.
    public let title: String
    /// The images, row by row.
    public let images: [RGBImage]

    public init(title: String, images: [RGBImage]) { (self.title, self.images) = (title, images) }
  }

  private let columns: Int
  private let columnNames: [String]
  private let blocks: [Block]

  /// Images up to this side are shown at twice their size.
  private static let smallSide = 64
  private static let padding = 2

  /// A grid.
  ///
  /// Precondition: there is an image in each block, and all have the same size.
  /// - Parameter columnNames: a name for each column; none where they have none.
  public init(columns: Int, columnNames: [String] = [], blocks: [Block]) {
    precondition(
      columnNames.isEmpty || columnNames.count == columns,
      "PictureGrid: \(columnNames.count) names for \(columns) columns")
    (self.columns, self.columnNames, self.blocks) = (columns, columnNames, blocks)
  }

  /// The picture.
  public var image: RGBImage {
    let side = blocks[0].images[0].width
    let scale = side > Self.smallSide ? 1 : 2
    let pitch = side * scale + Self.padding
    let titles = blocks.map { RGBImage.line([(0, $0.title)]) }
    let parts = zip(titles, blocks).flatMap { title, block in
      [
        title,
        RGBImage.grid(images: block.images.map { $0.scaled(by: scale) }, columns: columns, padding: Self.padding),
      ]
    }
    let names = columnNames.enumerated().map { i, name in
      (i * pitch, RGBImage.fitting(name, width: pitch - FixedFont.width))
    }
    return RGBImage.stacked((names.isEmpty ? [] : [RGBImage.line(names)]) + parts)
  }
}

extension RGBImage {
  /// Whether `PictureGrid` can write a text.
  public static func canWrite(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { FixedFont.rows(of: $0) != nil }
  }

  /// The beginning of a text that is no wider than some pixels, with a dot where it goes on.
  fileprivate static func fitting(_ text: String, width: Int) -> String {
    let most = max(width / FixedFont.width, 1)
    return text.unicodeScalars.count <= most ? text : String(text.prefix(most - 1)) + "."
  }

  /// A line of black letters on white.
  /// - Parameter words: each with the pixel where it begins. Characters that the font lacks are left blank.
  fileprivate static func line(_ words: [(left: Int, text: String)]) -> RGBImage {
    let width = words.map { $0.left + $0.text.unicodeScalars.count * FixedFont.width }.max() ?? 0
    let height = FixedFont.height + 2
    var pixels = [UInt8](repeating: 255, count: max(width, 1) * height * 3)
    for (left, text) in words {
      for (i, character) in text.unicodeScalars.enumerated() {
        for (y, row) in (FixedFont.rows(of: character) ?? []).enumerated() {
          for x in 0..<FixedFont.width where row >> UInt8(FixedFont.width - 1 - x) & 1 == 1 {
            let place = ((y + 1) * width + left + i * FixedFont.width + x) * 3
            pixels.replaceSubrange(place..<place + 3, with: [0, 0, 0])
          }
        }
      }
    }
    return RGBImage(width: max(width, 1), height: height, pixels: pixels)
  }

  /// Images below one another, white where one is narrower than the widest.
  fileprivate static func stacked(_ images: [RGBImage]) -> RGBImage {
    let width = images.map(\.width).max() ?? 1
    var pixels: [UInt8] = []
    for image in images {
      for y in 0..<image.height {
        pixels += image.pixels[y * image.width * 3..<(y + 1) * image.width * 3]
        pixels += [UInt8](repeating: 255, count: (width - image.width) * 3)
      }
    }
    return RGBImage(width: width, height: images.reduce(0) { $0 + $1.height }, pixels: pixels)
  }
}
