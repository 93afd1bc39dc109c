import Foundation

extension DoubleReference {
  /// `(x - mean) / sqrt(variance + epsilon)` of each row; without centring the mean counts as zero.
  public static func normalizeRows(_ x: [Double], width: Int, isCentred: Bool = true, epsilon: Double)
    -> [Double]
  {
    rows(x, width).flatMap { row -> [Double] in
      let mean = isCentred ? row.reduce(0, +) / Double(width) : 0
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
      return row.map { ($0 - mean) / sqrt(variance + epsilon) }
    }
  }

  /// `x factor + shift`, where each block of `rowsPerGroup` rows has its own row of factors and shifts.
  public static func affineRows(
    _ x: [Double], factor: [Double], shift: [Double]?, width: Int, rowsPerGroup: Int
  ) -> [Double] {
    x.enumerated().map { index, value in
      let parameter = index / (width * rowsPerGroup) * width + index % width
      return value * factor[parameter] + (shift?[parameter] ?? 0)
    }
  }
}
