import CShims
import Foundation
import Synchronization

/// The one pool of threads that all kernels share. BLAS itself is kept single-threaded, but for the large matrices in
/// Double of statistics, which it works on while the pool rests (`BLAS.threaded`): cores are never used twice.
///
/// Work is cut into as many parts as there are threads, in a way that depends on the thread count alone: results
/// are the same however busy the machine is. A call from inside a part, or while another caller holds the pool,
/// runs its parts one after the other on the calling thread, with the same cuts.
public final class ThreadPool: @unchecked Sendable {
  /// The process's pool: `DD2_THREADS`, else one thread per core that the process may use, in a container no more than
  /// its share of processor time is worth.
  public static let shared = ThreadPool(threadCount: ThreadPool.defaultThreadCount)

  /// Number of threads that take part, the caller included: fewer than asked for where the system gives no more.
  public private(set) var threadCount: Int
  /// More than any machine has use for; a number from the environment above it is taken for this one.
  public static let mostThreads = 1024
  /// The environment's number of threads.
  public static let variable = "DD2_THREADS"

  private let generation = Atomic<Int>(0)
  private let pending = Atomic<Int>(0)
  private let inUse = Atomic<Bool>(false)
  // Written by the caller before `generation` moves, read by the workers after: ordered by that counter.
  private var body: ((Int) -> Void)?
  private let started = NSCondition()
  private let finished = NSCondition()

  private static var defaultThreadCount: Int {
    if let text = ProcessInfo.processInfo.environment[variable], let count = Int(text), count > 0 {
      return min(count, mostThreads)
    }
    return max(1, min(ProcessorSurvey.affinityCores, ProcessorSurvey.quotaCores ?? mostThreads))
  }

  /// A pool of its own, for tests; `shared` is what the kernels use.
  init(threadCount: Int) {
    self.threadCount = 1
    dd2_share_heap()
    // Workers only wait until the pool's first use, by when the count is final.
    while self.threadCount < threadCount, start(self.threadCount) { self.threadCount += 1 }
  }

  /// Starts a worker.
  /// - Returns: false where the system gives no thread.
  private func start(_ index: Int) -> Bool { SystemThread.start { [unowned self] in work(index) } }

  /// Runs `body(part)` for every part in `0..<threadCount`, each on its own thread, and returns when all are done.
  public func forEachPart(_ body: (Int) -> Void) {
    guard threadCount > 1,
      inUse.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
    else {
      for part in 0..<threadCount { body(part) }
      return
    }
    withoutActuallyEscaping(body) { body in
      self.body = body
      pending.store(threadCount - 1, ordering: .relaxed)
      started.lock()
      generation.add(1, ordering: .releasing)
      started.broadcast()
      started.unlock()
      body(0)
      waitUntil(finished) { pending.load(ordering: .acquiring) == 0 }
      self.body = nil
    }
    inUse.store(false, ordering: .releasing)
  }

  /// Splits `0..<count` into one contiguous range per thread and runs them together.
  /// - Parameter grain: below this many items per thread, fewer threads take part.
  public func forEachRange(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    let parts = min(threadCount, max(1, count / max(grain, 1)))
    guard parts > 1 else {
      if count > 0 { body(0..<count) }
      return
    }
    forEachPart { part in
      guard part < parts else { return }
      body(Self.range(of: part, parts: parts, count: count))
    }
  }

  /// The share of `part` when `count` items are cut into `parts` contiguous ranges of nearly equal length.
  static func range(of part: Int, parts: Int, count: Int) -> Range<Int> {
    (count * part / parts)..<(count * (part + 1) / parts)
  }

  /// About 30 microseconds: longer than the gap between two kernels, shorter than a scheduler's time slice.
  private static let spinLimit = 2000

  private func work(_ index: Int) -> Never {
    var seen = 0
    while true {
      waitUntil(started) { generation.load(ordering: .acquiring) != seen }
      seen += 1
      body?(index)
      if pending.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
        finished.lock()
        finished.signal()
        finished.unlock()
      }
    }
  }

  /// Spins for a short while, then sleeps: where other programs hold the cores, waiting must not take them too.
  private func waitUntil(_ condition: NSCondition, _ isMet: () -> Bool) {
    for _ in 0..<Self.spinLimit {
      if isMet() { return }
      dd2_cpu_relax()
    }
    condition.lock()
    while !isMet() { condition.wait() }
    condition.unlock()
  }
}
