import CShims
import Foundation

/// What the process holds, for metadata, benchmarks and tests.
public enum ProcessMemory {
  /// Resident memory in bytes.
  public static var residentBytes: Int { dd2_memory_in_use().resident }

  /// Bytes that the system could give to processes (`MemAvailable`); nil where it does not say.
  public static var availableBytes: Int? {
    let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)
    let field = text?.firstMatch(of: /MemAvailable: +(\d+) kB/)
    return field.flatMap { Int($0.1) }.map { $0 << 10 }
  }

  /// Bytes of all tensors, and of those blocks that are kept for the next ones: what is in it is resident.
  public static var tensorBytes: Int { MemoryPool.shared.bytesFromSystem }

  /// Gives the blocks that are kept for the next tensors back to the system.
  public static func releaseUnusedTensors() { MemoryPool.shared.trim() }
}
