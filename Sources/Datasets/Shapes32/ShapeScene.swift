import Foundation
import TensorCore

/// Everything that one image of `Shapes32` shows; rendering it needs no further random numbers.
struct ShapeScene: Equatable, Sendable {
  /// Red, green, blue in [0, 1].
  typealias Colour = SIMD3<Float>

  let kind: ShapeKind
  /// Pixels from the left and from the top.
  let centre: SIMD2<Float>
  /// Outer radius in pixels, about.
  let size: Float
  /// Radians.
  let rotation: Float
  /// Turns, in [0, 1).
  let hue: Float
  let saturation: Float
  let brightness: Float
  /// Radians; the background runs from `backgroundStart` to `backgroundEnd` along it.
  let gradientDirection: Float
  let backgroundStart: Colour
  let backgroundEnd: Colour

  static let sizeRange: ClosedRange<Float> = 7.5...11.5
  /// Turns between the shape's hue and the background's middle hue, at least; each end of the background lies
  /// within `backgroundHueSpread` of that middle, so hues stay 60 degrees apart.
  private static let hueDistance: Float = 85.0 / 360
  private static let backgroundHueSpread: Float = 25.0 / 360

  /// Draws a scene from the stream of its image.
  init(kind: ShapeKind, imageSide: Int, from stream: inout RandomStream) {
    self.kind = kind
    size = stream.uniform(Self.sizeRange.lowerBound, Self.sizeRange.upperBound)
    let margin = ShapeKind.reach * size + 0.5
    let side = Float(imageSide)
    centre = [stream.uniform(margin, side - margin), stream.uniform(margin, side - margin)]
    rotation = stream.uniform(0, 2 * .pi)
    hue = stream.uniform()
    saturation = stream.uniform(0.65, 1)
    brightness = stream.uniform(0.75, 1)
    gradientDirection = stream.uniform(0, 2 * .pi)
    let middle = hue + stream.uniform(Self.hueDistance, 1 - Self.hueDistance)
    func background() -> Colour {
      let shift = stream.uniform(-Self.backgroundHueSpread, Self.backgroundHueSpread)
      return hsv(middle + shift, stream.uniform(0.35, 0.8), stream.uniform(0.2, 0.8))
    }
    backgroundStart = background()
    backgroundEnd = background()
  }

  var colour: Colour { hsv(hue, saturation, brightness) }

  /// Background colour at a pixel centre, `position` in pixels.
  func background(at position: SIMD2<Float>, imageSide: Int) -> Colour {
    let direction = SIMD2(cos(gradientDirection), sin(gradientDirection))
    let half = Float(imageSide) / 2
    let along = ((position - half) * direction).sum() / (2 * half * Float(2).squareRoot()) + 0.5
    return backgroundStart + along * (backgroundEnd - backgroundStart)
  }

  /// The scene as numbers of order one that a network can regress; see `Shapes32.attributeNames`.
  ///
  /// The background is given as its mean and its slopes to the right and downwards, because start, end and
  /// direction are ambiguous: exchanging the ends and turning by 180 degrees gives the same picture.
  func attributes(imageSide: Int) -> [Float] {
    let mean = backgroundStart + backgroundEnd - 1
    let slope = backgroundEnd - backgroundStart
    let across = slope * cos(gradientDirection)
    let down = slope * sin(gradientDirection)
    let half = Float(imageSide) / 2
    let sizeMiddle = (Self.sizeRange.lowerBound + Self.sizeRange.upperBound) / 2
    let place = (centre - half) / (half - Self.sizeRange.lowerBound)
    return [sin(2 * .pi * hue), cos(2 * .pi * hue), 2 * saturation - 1, 2 * brightness - 1]
      + [mean, across, down].flatMap { [$0.x, $0.y, $0.z] }
      + [(size - sizeMiddle) / (Self.sizeRange.upperBound - sizeMiddle), place.x, place.y]
  }
}

/// Red, green, blue of a hue in turns (any real number), saturation and value in [0, 1].
private func hsv(_ hue: Float, _ saturation: Float, _ value: Float) -> ShapeScene.Colour {
  func channel(_ offset: Float) -> Float {
    let turns = hue + offset / 6
    let k = 6 * (turns - turns.rounded(.down))
    return value * (1 - saturation * max(0, min(k, 4 - k, 1)))
  }
  return [channel(5), channel(3), channel(1)]
}
