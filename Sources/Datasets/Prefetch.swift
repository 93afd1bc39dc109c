import Foundation
import TensorCore

/// Makes elements on a thread of its own, a few ahead of who takes them: decoding goes on while the network computes.
///
/// Used from one thread. The producer ends early when the object goes away.
public final class Prefetch<Element: Sendable> {
  /// What both threads share.
  private final class Queue: @unchecked Sendable {
    let condition = NSCondition()
    var ready: [Element] = []
    var failure: (any Error)?
    var isDone = false
    var isAbandoned = false
  }

  private let queue = Queue()
  /// Gives the producer to `next` itself, where it has no thread.
  private var open: (() throws -> () throws -> Element?)?
  private var producer: (() throws -> Element?)?

  /// Starts the producer. Where the system gives no thread, each element is made when it is asked for.
  /// - Parameters:
  ///   - depth: elements that may wait.
  ///   - open: called on the producer's thread; gives the function that makes one element after the other, nil at the
  ///     end.
  ///   - start: starts a thread; false where there is none.
  public init(
    depth: Int, open: @escaping @Sendable () throws -> () throws -> Element?,
    start: (@escaping @Sendable () -> Void) -> Bool = SystemThread.start
  ) {
    precondition(depth > 0, "Prefetch: depth \(depth)")
    let isStarted = start { [queue] in
      do {
        let next = try open()
        while let element = try next(), Self.put(element, in: queue, depth: depth) {}
      } catch {
        queue.condition.withLock { queue.failure = error }
      }
      queue.condition.withLock {
        queue.isDone = true
        queue.condition.broadcast()
      }
    }
    if !isStarted { self.open = open }
  }

  deinit {
    queue.condition.withLock {
      queue.isAbandoned = true
      queue.condition.broadcast()
    }
  }

  /// The next element, nil after the last. Throws what the producer threw, after the elements before it.
  public func next() throws -> Element? {
    if let open {
      let producer = try self.producer ?? open()
      self.producer = producer
      return try producer()
    }
    return try queue.condition.withLock {
      while queue.ready.isEmpty, !queue.isDone { queue.condition.wait() }
      if !queue.ready.isEmpty {
        defer { queue.condition.broadcast() }
        return queue.ready.removeFirst()
      }
      if let failure = queue.failure { throw failure }
      return nil
    }
  }

  /// Whether somebody still wants more.
  private static func put(_ element: Element, in queue: Queue, depth: Int) -> Bool {
    queue.condition.withLock {
      while queue.ready.count >= depth, !queue.isAbandoned { queue.condition.wait() }
      queue.ready.append(element)
      queue.condition.broadcast()
      return !queue.isAbandoned
    }
  }
}
