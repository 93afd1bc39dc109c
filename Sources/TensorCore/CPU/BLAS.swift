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

  /// Runs a large call on the library's own threads, as many as the pool has: from one thread at a time, outside the
  /// pool's parts.
  func threaded<Result>(_ body: () throws -> Result) rethrows -> Result {
    dd2_blas_set_threads(Int32(ThreadPool.shared.threadCount))
    defer { dd2_blas_set_threads(1) }
    return try body()
  }

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
