import Foundation

extension DoubleReference {
  /// Extents of a naive attention: B samples, Lq queries, Lk keys, heads of width d.
  public struct AttentionSize {
    public var B, Lq, Lk, heads, d: Int
    public init(B: Int, Lq: Int, Lk: Int, heads: Int, d: Int) {
      (self.B, self.Lq, self.Lk, self.heads, self.d) = (B, Lq, Lk, heads, d)
    }
  }

  /// Attention one query at a time; q (B, Lq, heads d), k and v (B, Lk, heads d).
  public static func attention(
    _ q: [Double], _ k: [Double], _ v: [Double], _ size: AttentionSize, scale: Double, visible: [Int]?
  ) -> [Double] {
    let (d, C) = (size.d, size.heads * size.d)
    var output = [Double](repeating: 0, count: size.B * size.Lq * C)
    for b in 0..<size.B {
      for h in 0..<size.heads {
        for i in 0..<size.Lq {
          let seen = visible?[i] ?? size.Lk
          let query = (b * size.Lq + i) * C + h * d
          func key(_ j: Int) -> Int { (b * size.Lk + j) * C + h * d }
          let scores = (0..<seen).map { j in
            scale * (0..<d).reduce(0) { $0 + q[query + $1] * k[key(j) + $1] }
          }
          for (j, weight) in softmax(scores, width: seen).enumerated() {
            for c in 0..<d { output[query + c] += weight * v[key(j) + c] }
          }
        }
      }
    }
    return output
  }

  /// Columns `part * C ..< (part + 1) * C` of packed rows of 3 C.
  public static func unpack(_ qkv: [Double], _ part: Int, C: Int) -> [Double] {
    rows(qkv, 3 * C).flatMap { $0[part * C..<(part + 1) * C] }
  }

  /// Heads of q and k in packed rows q|k|v to unit length, times `scale` for q.
  public static func normalizeQK(_ qkv: [Double], scale: [Double], heads: Int, d: Int) -> [Double] {
    rows(qkv, 3 * heads * d).flatMap { row in
      rows(row, d).enumerated().flatMap { part, head -> [Double] in
        guard part < 2 * heads else { return head }
        let norm = max(sqrt(head.reduce(0) { $0 + $1 * $1 }), 1e-12)
        return head.map { $0 / norm * (part < heads ? scale[part] : 1) }
      }
    }
  }

  /// Rotation of interleaved pairs by complex multiplication; the first `rotatedHeads` heads of each row turn.
  public static func rotary(
    _ x: [Double], width: Int, L: Int, d: Int, rotatedHeads: Int, cosine: [Double], sine: [Double],
    offset: Int
  ) -> [Double] {
    rows(x, width).enumerated().flatMap { index, row -> [Double] in
      let position = index % L + offset
      return row.enumerated().map { column, value in
        guard column / d < rotatedHeads else { return value }
        let entry = position * (d / 2) + column % d / 2
        let isEven = column % 2 == 0
        let partner = row[isEven ? column + 1 : column - 1]
        return value * cosine[entry] + (isEven ? -1 : 1) * partner * sine[entry]
      }
    }
  }
}
