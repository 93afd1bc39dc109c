import CShims
import Synchronization

/// The end of a process that the system gives no memory: a kernel can neither go on without it nor throw.
public enum MemoryShortage {
  private static let ending = Mutex<@Sendable (String) -> Never>({ fatalError($0) })

  /// Says what ends the process. It is given one line: what was asked for, what limits it, what to do.
  public static func end(by body: @escaping @Sendable (String) -> Never) { ending.withLock { $0 = body } }

  /// What is left to all that is no tensor: where Swift's own objects get no memory, the process crashes.
  private static let rest = 64 << 20
  /// What the system rounds up to, or more.
  private static let page = 1 << 16

  /// Whether there are `bytes` more, and something for the rest of the program.
  static func hasRoom(for bytes: Int) -> Bool { dd2_can_map(bytes + rest) != 0 }

  /// Ends the process for want of `bytes`.
  /// - Parameter purpose: what takes them.
  static func end(lacking bytes: Int, for purpose: String) -> Never {
    end(saying: description(of: bytes, for: purpose) + ", or use fewer threads (DD2_THREADS) or smaller batches")
  }

  /// Ends the process with a line.
  public static func end(saying text: String) -> Never {
    let body = ending.withLock { $0 }
    body(text)
  }

  /// One line: what was asked for, what limits it, what to do.
  static func description(of bytes: Int, for purpose: String) -> String {
    let use = dd2_memory_in_use()
    let limits = [("ulimit -v", dd2_limit_of_mapped(), use.mapped), ("ulimit -d", dd2_limit_of_data(), use.data)]
    let asked = "out of memory: \(megabytes(bytes)) MB for \(purpose)"
    for (name, limit, used) in limits where limit - used < bytes + rest + page {
      return
        "\(asked) beside the \(megabytes(used)) MB in use, and '\(name)' allows \(megabytes(limit)) MB; raise it to "
        + "\((used + bytes + 2 * rest) >> 10) at least"
    }
    return "\(asked) beside the \(megabytes(use.resident)) MB in use, and the system has no more; end other programs"
  }

  private static func megabytes(_ bytes: Int) -> Int { (bytes + (1 << 20) - 1) >> 20 }
}
