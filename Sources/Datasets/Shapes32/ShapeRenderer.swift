import Foundation

extension ShapeScene {
  /// Paints the scene: rows from the top, pixels from the left, red, green, blue.
  ///
  /// Edges are anti-aliased by the distance to the silhouette: coverage is a smooth step one pixel wide.
  func render(side: Int) -> [UInt8] {
    let (sine, cosine) = (sin(rotation), cos(rotation))
    let ink = colour
    let origin = background(at: .zero, imageSide: side)
    let right = background(at: [1, 0], imageSide: side) - origin
    let down = background(at: [0, 1], imageSide: side) - origin
    return [UInt8](unsafeUninitializedCapacity: side * side * 3) { buffer, count in
      for y in 0..<side {
        for x in 0..<side {
          let position = SIMD2(Float(x) + 0.5, Float(y) + 0.5)
          let offset = position - centre
          let local = SIMD2(
            cosine * offset.x + sine * offset.y, cosine * offset.y - sine * offset.x)
          let behind = origin + position.x * right + position.y * down
          let pixel = (paint(behind, ink, at: local) * 255).rounded(.toNearestOrEven)
          let start = (y * side + x) * 3
          for channel in 0..<3 { buffer[start + channel] = UInt8(min(max(pixel[channel], 0), 255)) }
        }
      }
      count = side * side * 3
    }
  }

  /// Darkening of the pattern on patterned shapes.
  private static let patternInk: Float = 0.25

  /// The shape's ink over the background, at a point of the shape's frame.
  private func paint(_ behind: Colour, _ ink: Colour, at local: SIMD2<Float>) -> Colour {
    let coverage = Self.coverage(kind.distance(local, size: size))
    guard coverage > 0 else { return behind }
    var front = ink
    if let pattern = kind.patternDistance(local, size: size) {
      front *= 1 - (1 - Self.patternInk) * Self.coverage(pattern)
    }
    return behind + coverage * (front - behind)
  }

  /// 1 inside, 0 outside, a smooth step over one pixel about distance 0.
  private static func coverage(_ distance: Float) -> Float {
    let t = min(max(0.5 - distance, 0), 1)
    return t * t * (3 - 2 * t)
  }
}
