import Foundation

/// The losses of both stages by their formulas, on row-major arrays: q (B, L, D), the others (K, B, L, D).
extension DoubleReference {
  /// `x_t = (1-t) q + t noise`, t (K, B, L).
  public static func noised(_ q: [Double], t: [Double], noise: [Double], D: Int) -> [Double] {
    noise.indices.map { (1 - t[$0 / D]) * q[$0 % q.count] + t[$0 / D] * noise[$0] }
  }

  /// Squared distance summed over D, averaged over tokens; a target (B, L, D) stands for every noise level.
  public static func denoisingLoss(_ prediction: [Double], target: [Double], D: Int) -> Double {
    prediction.indices.reduce(0) { $0 + pow(prediction[$1] - target[$1 % target.count], 2) }
      / Double(prediction.count / D)
  }

  /// `w = 1 / (mean |q - f_r| + 1e-3)` of every (K, B), the mean over the `LD` elements of a sequence.
  public static func distillationWeights(q: [Double], real: [Double], LD: Int) -> [Double] {
    (0..<(real.count / LD)).map { sequence in
      let distance = (0..<LD).reduce(0) {
        let index = sequence * LD + $1
        return $0 + abs(q[index % q.count] - real[index])
      }
      return 1 / (distance / Double(LD) + 1e-3)
    }
  }

  /// SiD: `w [ (f_r - f_f).(f_r - q) - alpha |f_r - f_f|^2 ]`, averaged over tokens.
  public static func sidLoss(
    q: [Double], real: [Double], fake: [Double], weights: [Double], alpha: Double, LD: Int, D: Int
  ) -> Double {
    real.indices.reduce(0) { sum, index in
      let difference = real[index] - fake[index]
      return sum + weights[index / LD]
        * (difference * (real[index] - q[index % q.count]) - alpha * difference * difference)
    } / Double(real.count / D)
  }
}
