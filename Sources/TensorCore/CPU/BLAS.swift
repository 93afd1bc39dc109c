import CShims
import Foundation

/// Why the numeric core cannot start.
public struct BackendUnavailable: Error, CustomStringConvertible, Sendable {
  /// One line: what is missing and what to do.
  public let description: String
}

/// OpenBLAS, opened on first use rather than linked: its core type is chosen by an environment variable that it reads
/// while loading, and the release in Debian 12 does not know recent AMD chips (it would fall back to AVX2).
final class BLAS: Sendable {
  /// Opening can fail; `Backends.start()` reports that as an error before any kernel runs.
  static let opened: Result<BLAS, BackendUnavailable> = open()

  static var shared: BLAS {
    switch opened {
    case .success(let blas): return blas
    case .failure(let error): fatalError(error.description)
    }
  }

  /// The kernel set in use, as OpenBLAS names it (`SkylakeX`, `Haswell`, ...).
  let coreName: String

  private init(coreName: String) { self.coreName = coreName }

  private static func open() -> Result<BLAS, BackendUnavailable> {
    if dd2_cpu_has_avx512() != 0 { setenv("OPENBLAS_CORETYPE", "SKYLAKEX", 0) }
    guard dd2_blas_open() == 0 else {
      return .failure(
        BackendUnavailable(
          description: "cannot load OpenBLAS (\(String(cString: dd2_blas_error()))); run scripts/setup.sh"))
    }
    return .success(BLAS(coreName: String(cString: dd2_blas_core_name())))
  }
}

extension Backends {
  /// Loads what the numeric core needs. Call once at program start for an error instead of a crash.
  /// - Throws: `BackendUnavailable` where OpenBLAS cannot be loaded.
  public static func start() throws {
    _ = try BLAS.opened.get()
  }
}

/// Eigenvalues of a symmetric matrix, in Double (LAPACK `dsyevd`).
/// - Parameters:
///   - matrix: (n, n), row-major; only one triangle is read.
///   - n: order of the matrix.
/// - Returns: `values` ascending and `vectors` (n, n), row i the unit eigenvector of value i.
/// - Throws: `BackendUnavailable` where LAPACK reports no convergence (a matrix with NaN, say).
public func symmetricEigen(_ matrix: [Double], n: Int) throws -> (values: [Double], vectors: [Double]) {
  precondition(matrix.count == n * n, "symmetricEigen: \(matrix.count) elements for order \(n)")
  _ = BLAS.shared
  var vectors = matrix
  var values = [Double](repeating: 0, count: n)
  let status = dd2_symmetric_eigen(&vectors, &values, Int32(n))
  guard status == 0 else {
    throw BackendUnavailable(description: "the eigenvalues of a \(n)x\(n) matrix did not converge")
  }
  return (values, vectors)
}

/// `C = op(A) op(B)` in Double, row-major.
/// - Parameters:
///   - a: (m, k), or (k, m) where `transposeA`.
///   - b: (k, n), or (n, k) where `transposeB`.
public func matmulDouble(
  _ a: [Double], _ b: [Double], m: Int, n: Int, k: Int, transposeA: Bool = false, transposeB: Bool = false
) -> [Double] {
  precondition(
    a.count == m * k && b.count == k * n, "matmulDouble: \(a.count) and \(b.count) elements for \(m)x\(k)x\(n)")
  _ = BLAS.shared
  var c = [Double](repeating: 0, count: m * n)
  dd2_dgemm(transposeA ? 1 : 0, transposeB ? 1 : 0, m, n, k, a, b, &c)
  return c
}
