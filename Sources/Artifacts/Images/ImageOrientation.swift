/// How an image lies in its file: the tag 0x0112 of EXIF.
enum ImageOrientation: Int {
  case upright = 1
  case mirrored = 2
  case halfTurned = 3
  case flipped = 4
  case transposed = 5
  /// To be turned clockwise.
  case quarterTurned = 6
  case transversed = 7
  /// To be turned anticlockwise.
  case threeQuarterTurned = 8

  /// Whether width and height change places.
  var swapsSides: Bool { rawValue >= 5 }

  /// The orientation that a block of EXIF states: a TIFF file, of which the first directory is looked at. Upright where it
  /// is damaged before the tag, or states none of the eight.
  init(exif bytes: UnsafeRawBufferPointer) {
    self = Self.value(in: bytes).flatMap(Self.init(rawValue:)) ?? .upright
  }

  /// The tag's value, the last one where it is repeated.
  private static func value(in bytes: UnsafeRawBufferPointer) -> Int? {
    guard bytes.count >= 8, bytes[0] == bytes[1] else { return nil }
    let isBig = bytes[0] == UInt8(ascii: "M")
    guard isBig || bytes[0] == UInt8(ascii: "I") else { return nil }
    func number(at position: Int, _ count: Int) -> Int? {
      guard position >= 0, position <= bytes.count - count else { return nil }
      let part = bytes[position..<position + count]
      return isBig ? part.reduce(0) { $0 << 8 | Int($1) } : part.reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    guard number(at: 2, 2) == 42, let start = number(at: 4, 4), let entries = number(at: start, 2) else { return nil }
    var found: Int?
    for entry in 0..<entries {
      let position = start + 2 + 12 * entry
      guard let tag = number(at: position, 2), let type = number(at: position + 2, 2),
        let length = number(at: position + 4, 4), number(at: position + 8, 4) != nil
      else { break }
      // Bytes in a number of that type: BYTE, SHORT, LONG.
      guard tag == 0x0112, length == 1, let size = [1: 1, 3: 2, 4: 4][type] else { continue }
      found = number(at: position + 8, size)
    }
    return found
  }

  /// The image upright, as Pillow's `ImageOps.exif_transpose`.
  /// - Parameters:
  ///   - pixels: (height, width, 3), as they lie in the file.
  func applied(to pixels: UnsafeBufferPointer<UInt8>, width: Int, height: Int) -> RGBImage {
    guard self != .upright else { return RGBImage(width: width, height: height, pixels: Array(pixels)) }
    let (newWidth, newHeight) = swapsSides ? (height, width) : (width, height)
    let isFromRight = [.mirrored, .halfTurned, .transversed, .threeQuarterTurned].contains(self)
    let isFromBottom = [.halfTurned, .flipped, .quarterTurned, .transversed].contains(self)
    let upright = [UInt8](unsafeUninitializedCapacity: pixels.count) { target, count in
      for y in 0..<newHeight {
        for x in 0..<newWidth {
          let (across, down) = swapsSides ? (y, x) : (x, y)
          let column = isFromRight ? width - 1 - across : across
          let row = isFromBottom ? height - 1 - down : down
          for channel in 0..<3 {
            target[(y * newWidth + x) * 3 + channel] = pixels[(row * width + column) * 3 + channel]
          }
        }
      }
      count = pixels.count
    }
    return RGBImage(width: newWidth, height: newHeight, pixels: upright)
  }
}
