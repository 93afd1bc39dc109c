/// The ten classes of `Shapes32`, in the order of their numbers, and their geometry.
///
/// Distances are signed (negative inside), in pixels, from a point in the shape's own turned frame. Formulas for
/// star and triangle follow Inigo Quilez, "2D distance functions".
public enum ShapeKind: Int, CaseIterable, Sendable {
  case disk, ring, square, frame, triangle, star, cross, stripedDisk, waffleSquare, crescent

  /// No shape reaches further from its centre than this many times its size.
  static let reach: Float = 1.08

  /// Distance from `point` to the silhouette of the shape of outer radius about `size`.
  func distance(_ point: SIMD2<Float>, size: Float) -> Float {
    switch self {
    case .disk, .stripedDisk: length(point) - 0.95 * size
    case .ring: abs(length(point) - 0.74 * size) - 0.24 * size
    case .square, .waffleSquare: boxDistance(point, half: [0.76 * size, 0.76 * size])
    case .frame: abs(boxDistance(point, half: [0.62 * size, 0.62 * size])) - 0.14 * size
    case .triangle: triangleDistance(point, halfSide: 0.93 * size)
    case .star: starDistance(point, radius: 1.08 * size, innerRatio: 0.45)
    case .cross:
      min(boxDistance(point, half: [size, 0.3 * size]), boxDistance(point, half: [0.3 * size, size]))
    case .crescent:
      max(length(point) - size, 0.78 * size - length(point - [0.48 * size, 0]))
    }
  }

  /// Distance from `point` to the dark pattern drawn on the shape; nil for plain shapes.
  func patternDistance(_ point: SIMD2<Float>, size: Float) -> Float? {
    switch self {
    case .stripedDisk:
      let period = 0.54 * size
      return abs(centred(point.y, period)) - 0.24 * period
    case .waffleSquare:
      let period = 2 * 0.76 * size / 3
      let half = 0.29 * period
      return boxDistance([centred(point.x, period), centred(point.y, period)], half: [half, half])
    default: return nil
    }
  }
}

private func length(_ v: SIMD2<Float>) -> Float { (v * v).sum().squareRoot() }

/// `x` moved by a multiple of `period` into [-period/2, period/2].
private func centred(_ x: Float, _ period: Float) -> Float { x - period * (x / period).rounded() }

private func boxDistance(_ p: SIMD2<Float>, half: SIMD2<Float>) -> Float {
  let q = SIMD2(abs(p.x), abs(p.y)) - half
  return length(q.replacing(with: 0, where: q .< 0)) + min(max(q.x, q.y), 0)
}

private func triangleDistance(_ point: SIMD2<Float>, halfSide: Float) -> Float {
  let root3 = Float(3).squareRoot()
  var p = SIMD2(abs(point.x) - halfSide, point.y + halfSide / root3)
  if p.x + root3 * p.y > 0 { p = SIMD2(p.x - root3 * p.y, -root3 * p.x - p.y) / 2 }
  p.x -= min(max(p.x, -2 * halfSide), 0)
  return p.y > 0 ? -length(p) : length(p)
}

private func starDistance(_ point: SIMD2<Float>, radius: Float, innerRatio: Float) -> Float {
  let left = SIMD2<Float>(0.809_017, -0.587_785_25)
  let right = SIMD2<Float>(-left.x, left.y)
  var p = SIMD2(abs(point.x), point.y)
  p -= 2 * max((left * p).sum(), 0) * left
  p -= 2 * max((right * p).sum(), 0) * right
  p = SIMD2(abs(p.x), p.y - radius)
  let side = innerRatio * SIMD2(-left.y, left.x) - [0, 1]
  let along = min(max((p * side).sum() / (side * side).sum(), 0), radius)
  let outside = p.y * side.x - p.x * side.y
  return outside < 0 ? -length(p - side * along) : length(p - side * along)
}
