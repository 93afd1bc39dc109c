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
  /// Opening can fail; `Backends.start` reports that as an error before any kernel runs.
  static let opened: Result<BLAS, BackendUnavailable> = open()

  static var shared: BLAS {
    switch opened {
    case .success(let blas): return blas
    case .failure(let error): MemoryShortage.end(saying: error.description)
    }
  }

  /// The kernel set in use, as OpenBLAS names it (`SkylakeX`, `Haswell`, ...).
  let coreName: String

  private init(coreName: String) { self.coreName = coreName }

  /// `C = alpha op(A) op(B) + beta C`, row-major, on the calling thread alone.
  static func multiply(
    _ transposeA: Int32, _ transposeB: Int32, _ m: Int, _ n: Int, _ k: Int, _ alpha: Float,
    _ a: UnsafePointer<Float>, _ aPitch: Int, _ b: UnsafePointer<Float>, _ bPitch: Int, _ beta: Float,
    _ c: UnsafeMutablePointer<Float>, _ cPitch: Int
  ) {
    _ = buffers
    dd2_sgemm(transposeA, transposeB, m, n, k, alpha, a, aPitch, b, bPitch, beta, c, cPitch)
  }

  /// Runs a large call on the library's own threads, as many as the pool has: from one thread at a time, outside the
  /// pool's parts.
  func threaded<Result>(_ body: () throws -> Result) rethrows -> Result {
    _ = Self.buffers
    dd2_blas_set_threads(Self.ownThreads)
    defer { dd2_blas_set_threads(1) }
    return try body()
  }

  /// Address space that the library and what it needs take, and each buffer that a thread works in.
  private static let (libraryBytes, bufferBytes, stackBytes) = (48 << 20, 128 << 20, 8 << 20)

  /// The library, and the buffers of all threads of the pool, taken before there can be too little room for them: without, OpenBLAS asks
  /// the system again for ever.
  private static let buffers: Void = {
    _ = shared
    let count = ThreadPool.shared.threadCount
    let bytes = count * bufferBytes
    guard MemoryShortage.hasRoom(for: bytes) else {
      MemoryShortage.end(lacking: bytes, for: "matrix products on \(count) threads")
    }
    dd2_blas_reserve(Int32(count))
  }()

  /// Threads of the library's own that the system gives; it does not notice a refusal itself.
  private static let ownThreads: Int32 = {
    let count = ThreadPool.shared.threadCount
    let isRoom = MemoryShortage.hasRoom(for: count * (bufferBytes + stackBytes))
    return isRoom && dd2_can_start_threads(Int32(count)) != 0 ? Int32(count) : 1
  }()

  private static func open() -> Result<BLAS, BackendUnavailable> {
    if dd2_cpu_has_avx512() != 0 { setenv("OPENBLAS_CORETYPE", "SKYLAKEX", 0) }
    // One build of the library takes its first buffer while it loads.
    let bytes = libraryBytes + bufferBytes
    guard MemoryShortage.hasRoom(for: bytes) else {
      return .failure(BackendUnavailable(description: MemoryShortage.description(of: bytes, for: "OpenBLAS")))
    }
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
