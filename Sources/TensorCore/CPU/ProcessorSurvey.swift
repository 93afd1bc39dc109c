import CShims
import Foundation

/// What the process may use of the machine, and how fast that is, for reports.
public enum ProcessorSurvey {
  /// Cores that affinity allows.
  public static var affinityCores: Int { Int(dd2_available_cores()) }

  /// Cores' worth of processor time that control groups allow, rounded up; nil without a limit.
  public static var quotaCores: Int? { ControlGroups.cores() }

  /// Bytes of memory that control groups allow; nil without a limit.
  public static var memoryLimit: Int? { ControlGroups.memoryBytes() }

  /// OpenBLAS as it is loaded: its kernel set, and how it was built, beginning with its version.
  /// - Throws: `BackendUnavailable`.
  public static func openBLAS() throws -> (core: String, configuration: String) {
    let blas = try BLAS.opened.get()
    return (blas.coreName, String(cString: dd2_blas_config()))
  }

  /// The best rate of a square Float32 matrix product on all threads of the pool, in GFLOP/s: `2 n^3` operations each.
  /// - Parameter seconds: how long it is measured.
  public static func productRate(seconds: Double) -> Double {
    let n = 1024
    let a = Tensor(repeating: 1, [n, n])
    var best = Double.infinity
    let begin = ContinuousClock.now
    while ContinuousClock.now - begin < .seconds(seconds) {
      let start = ContinuousClock.now
      _ = withoutGradient { a.matmul(a) }
      best = min(best, (ContinuousClock.now - start) / .seconds(1))
    }
    return 2 * Double(n * n * n) / best / 1e9
  }
}
