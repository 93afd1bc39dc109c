import Artifacts

extension RGBImage {
  /// The image at another size, sides scaled independently: Pillow's antialiased bicubic filter (a = -0.5, widened when
  /// shrinking) in its fixed-point arithmetic, rows first, so that every byte is the one that `Image.resize(..., BICUBIC)`
  /// gives. (Pillow 13 scales columns first where that shrinks them more: some bytes are then one off.)
  public func bicubic(width newWidth: Int, height newHeight: Int) -> RGBImage {
    precondition(newWidth > 0 && newHeight > 0, "RGBImage.bicubic: \(newWidth) x \(newHeight)")
    let rows = ScalingTaps.axis(from: width, to: newWidth)
    let columns = ScalingTaps.axis(from: height, to: newHeight)
    var narrow = pixels
    if newWidth != width {
      narrow = [UInt8](repeating: 0, count: height * newWidth * 3)
      for y in 0..<height {
        for (x, taps) in rows.enumerated() {
          for channel in 0..<3 {
            narrow[(y * newWidth + x) * 3 + channel] =
              taps.sum { pixels[(y * width + $0) * 3 + channel] }
          }
        }
      }
    }
    guard newHeight != height else { return RGBImage(width: newWidth, height: height, pixels: narrow) }
    let line = newWidth * 3
    var result = [UInt8](repeating: 0, count: newHeight * line)
    for (y, taps) in columns.enumerated() {
      for i in 0..<line { result[y * line + i] = taps.sum { narrow[$0 * line + i] } }
    }
    return RGBImage(width: newWidth, height: newHeight, pixels: result)
  }
}

/// Which pixels of an axis make one pixel of the scaled axis, and with what weights.
///
/// Source: Pillow, `src/libImaging/Resample.c`, `precompute_coeffs` and `normalize_coeffs_8bpc`.
private struct ScalingTaps {
  let first: Int
  /// Weights times 2^22.
  let weights: [Int]

  private static let bits = 22
  private static let support = 2.0

  static func axis(from input: Int, to output: Int) -> [ScalingTaps] {
    let scale = Double(input) / Double(output)
    let width = max(scale, 1)
    return (0..<output).map { index in
      let center = (Double(index) + 0.5) * scale
      let first = max(0, Int(center - support * width + 0.5))
      let end = min(input, Int(center + support * width + 0.5))
      let raw = (first..<end).map { cubic((Double($0) - center + 0.5) / width) }
      let total = raw.reduce(0, +)
      let weights = raw.map { Int(($0 / total * Double(1 << bits)).rounded(.toNearestOrAwayFromZero)) }
      return ScalingTaps(first: first, weights: weights)
    }
  }

  /// Keys' kernel.
  private static func cubic(_ x: Double) -> Double {
    let (a, x) = (-0.5, abs(x))
    if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
  }

  func sum(_ pixel: (Int) -> UInt8) -> UInt8 {
    var sum = 1 << (Self.bits - 1)
    for (index, weight) in weights.enumerated() { sum += weight * Int(pixel(first + index)) }
    return UInt8(min(max(sum >> Self.bits, 0), 255))
  }
}
