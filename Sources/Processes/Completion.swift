import Foundation
import Synchronization
import TensorCore

/// Something that one thread finishes and others wait for.
final class Completion: Arrival {
  private let isDone = Atomic<Bool>(false)
  private let condition = NSCondition()
  /// Told how long somebody waited.
  private let waited: (@Sendable (Duration) -> Void)?

  init(waited: (@Sendable (Duration) -> Void)? = nil) { self.waited = waited }

  func wait() {
    guard !isDone.load(ordering: .acquiring) else { return }
    let begin = ContinuousClock.now
    defer { waited?(ContinuousClock.now - begin) }
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
