import Foundation
import Synchronization
import TensorCore

/// Something that one thread finishes and others wait for.
final class Completion: Arrival {
  private let isDone = Atomic<Bool>(false)
  private let condition = NSCondition()
  private let waiters: Waiters?

  /// - Parameter waiters: counts who waits.
  init(_ waiters: Waiters? = nil) { self.waiters = waiters }

  func wait() {
    guard !isDone.load(ordering: .acquiring) else { return }
    waiters?.begin()
    let begin = ContinuousClock.now
    defer { waiters?.end(after: ContinuousClock.now - begin) }
    condition.lock()
    while !isDone.load(ordering: .acquiring) { condition.wait() }
    condition.unlock()
  }

  func complete() {
    condition.lock()
    isDone.store(true, ordering: .releasing)
    condition.broadcast()
    condition.unlock()
  }
}

/// Those that wait for completions.
final class Waiters: Sendable {
  private let count = Atomic<Int>(0)
  private let total = Mutex(Duration.zero)

  /// Whether somebody waits now.
  var areThere: Bool { count.load(ordering: .relaxed) > 0 }
  /// How long they have waited, all together.
  var time: Duration { total.withLock { $0 } }

  func begin() { count.add(1, ordering: .relaxed) }

  func end(after time: Duration) {
    count.subtract(1, ordering: .relaxed)
    total.withLock { $0 += time }
  }
}
