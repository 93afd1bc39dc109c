import CShims

/// What the process holds, for metadata, benchmarks and tests.
public enum ProcessMemory {
  /// Resident memory in bytes.
  public static var residentBytes: Int { dd2_memory_in_use().resident }
}
