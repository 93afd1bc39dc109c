import CShims
import Foundation

/// A filter that Pillow scales images with.
///
/// Source: Pillow, `src/libImaging/Resample.c`.
package enum ResamplingFilter: Sendable {
  case box
  /// Keys' kernel, a = -0.5.
  case bicubic
  /// sinc(x) sinc(x / 3).
  case lanczos

  /// Where it ends, in pixels from its centre.
  fileprivate var support: Double {
    switch self {
    case .box: 0.5
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  fileprivate func callAsFunction(_ x: Double) -> Double {
    switch self {
    case .box: return x > -0.5 && x <= 0.5 ? 1 : 0
    case .bicubic:
      let (a, x) = (-0.5, abs(x))
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    case .lanczos: return x >= -3 && x < 3 ? Self.sinc(x) * Self.sinc(x / 3) : 0
    }
  }

  private static func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }
}

/// Which pixels of an axis make each kept pixel of the scaled axis, and with what weights.
///
/// Source: as `ResamplingFilter`, `precompute_coeffs` and `normalize_coeffs_8bpc`.
private struct ResamplingAxis {
  private(set) var first: [Int32] = []
  /// `taps` for each kept pixel, times 2^22.
  private(set) var weights: [Int32] = []
  let taps: Int

  /// - Parameter kept: of the scaled axis of `output` pixels.
  init(_ filter: ResamplingFilter, from input: Int, to output: Int, kept: Range<Int>) {
    let scale = Double(input) / Double(output)
    let width = max(scale, 1)
    let support = filter.support * width
    taps = Int(support.rounded(.up)) * 2 + 1
    for index in kept {
      let center = (Double(index) + 0.5) * scale
      let start = max(0, Int(center - support + 0.5))
      let end = min(input, Int(center + support + 0.5))
      let raw = (start..<end).map { filter((Double($0) - center + 0.5) * (1 / width)) }
      let total = raw.reduce(0, +)
      first.append(Int32(start))
      weights += raw.map { weight in
        let share = (total == 0 ? weight : weight / total) * Double(1 << Int(DD2_RESAMPLE_BITS))
        return Int32(share + (share < 0 ? -0.5 : 0.5))
      }
      weights += [Int32](repeating: 0, count: taps - raw.count)
    }
  }

  /// The pixels of the axis that any kept one is made of, in an axis of `input`.
  func used(of input: Int) -> Range<Int> {
    let start = Int(first.first ?? 0)
    return start..<min(input, Int(first.last ?? 0) + taps)
  }

  /// The same axis without its first pixels.
  mutating func drop(_ count: Int) { for index in first.indices { first[index] -= Int32(count) } }

  func withUnsafe(_ body: (dd2_resample_axis) -> Void) {
    first.withUnsafeBufferPointer { first in
      weights.withUnsafeBufferPointer { weights in
        body(dd2_resample_axis(first: first.baseAddress, weights: weights.baseAddress, taps: taps))
      }
    }
  }
}

extension RGBImage {
  /// The image at another size, sides scaled independently: Pillow's antialiased bicubic filter (a = -0.5, widened when
  /// shrinking) in its fixed-point arithmetic, rows first, so that every byte is the one that `Image.resize(..., BICUBIC)`
  /// gives. (Pillow 13 scales columns first where that shrinks them more: some bytes are then one off.)
  public func bicubic(width newWidth: Int, height newHeight: Int) -> RGBImage {
    resampled(.bicubic, width: newWidth, height: newHeight, columns: 0..<newWidth, rows: 0..<newHeight)
  }

  /// A window of the image at another size. Only what the window shows is computed; its bytes are those of the whole.
  /// - Parameters:
  ///   - columns: the window's, of `newWidth`.
  ///   - rows: the window's, of `newHeight`.
  package func resampled(
    _ filter: ResamplingFilter, width newWidth: Int, height newHeight: Int, columns: Range<Int>, rows: Range<Int>
  ) -> RGBImage {
    precondition(
      !columns.isEmpty && !rows.isEmpty && columns.lowerBound >= 0 && rows.lowerBound >= 0
        && columns.upperBound <= newWidth && rows.upperBound <= newHeight,
      "RGBImage.resampled: \(columns) and \(rows) of \(newWidth) x \(newHeight)")
    // As in Pillow an axis that keeps its length is copied: of the box filter one pixel is left, of weight 1.
    let across = ResamplingAxis(
      newWidth == width ? .box : filter, from: width, to: newWidth, kept: columns)
    var down = ResamplingAxis(newHeight == height ? .box : filter, from: height, to: newHeight, kept: rows)
    let needed = down.used(of: height)
    down.drop(needed.lowerBound)
    let line = columns.count * 3
    let narrow = [UInt8](unsafeUninitializedCapacity: needed.count * line) { target, count in
      pixels.withUnsafeBufferPointer { source in
        across.withUnsafe { axis in
          let start = source.baseAddress.map { $0 + needed.lowerBound * width * 3 }
          let status = dd2_resample_rows(start, needed.count, width, axis, target.baseAddress, columns.count)
          precondition(status == 0, "RGBImage.resampled: no memory")
        }
      }
      count = needed.count * line
    }
    let result = [UInt8](unsafeUninitializedCapacity: rows.count * line) { target, count in
      down.withUnsafe { dd2_resample_columns(narrow, needed.count, line, $0, target.baseAddress, rows.count) }
      count = rows.count * line
    }
    return RGBImage(width: columns.count, height: rows.count, pixels: result)
  }
}
