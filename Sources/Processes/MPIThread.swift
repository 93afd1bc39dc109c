import CMPI
import Foundation
import TensorCore

/// The one thread that calls MPI: it starts operations in the order in which they are asked for, drives them to their ends
/// while other threads compute, and listens for signs of life.
///
/// It polls and sleeps in between, for a core is the computation's: only while that waits for it does it not sleep.
final class MPIThread: @unchecked Sendable {
  // Unchecked: what several threads use is guarded by `wake`.

  /// An operation that takes its time.
  struct Operation {
    /// Begins it, in as many parts as there are requests; runs on the thread.
    let start: () throws(JobError) -> [dd2_mpi_request]
    /// Called on the thread when all parts have ended.
    let finish: () -> Void
  }

  private enum Order {
    case operation(Operation)
    case leave(Completion)
    case end(status: Int32)
  }

  /// Those that wait for operations.
  let waiters = Waiters()
  private let wake = NSCondition()
  private var orders: [Order] = []
  /// Called on the thread where the job cannot go on.
  private let fail: @Sendable (JobError) -> Void

  /// The exit status of a job that cannot go on: EX_UNAVAILABLE.
  private static let unavailable: Int32 = 69

  /// The longest that the thread sleeps while nothing is to be done, in seconds.
  private static let rest = 0.1
  /// The same while operations are under way, in microseconds.
  private static let nap: UInt32 = 40

  init(fail: @escaping @Sendable (JobError) -> Void) { self.fail = fail }

  /// Runs on a new thread: joins the job, then serves.
  /// - Parameters:
  ///   - join: runs first, on the thread.
  ///   - listen: called again and again on the thread.
  func start(join: @escaping @Sendable () -> Bool, listen: @escaping @Sendable () throws(JobError) -> Void) {
    let started = SystemThread.start {
      guard join() else { return }
      do throws(JobError) {
        try self.serve(listen)
      } catch {
        self.fail(error)
        dd2_mpi_abort(Self.unavailable)
      }
    }
    precondition(started, "MPIThread: the system gives no thread")
  }

  /// Has an operation started.
  func run(_ operation: Operation) { give(.operation(operation)) }

  /// Sends a message to one process.
  func send(_ bytes: [UInt8], to process: Int) {
    let message = Message(bytes)
    run(
      Operation { () throws(JobError) in
        var request = dd2_mpi_request()
        try attempt { dd2_mpi_send(message.bytes.baseAddress, message.bytes.count, Int32(process), &request) }
        return [request]
      } finish: {
        withExtendedLifetime(message) {}
      })
  }

  /// Leaves the job, together with all other processes.
  func leave() {
    let done = Completion()
    give(.leave(done))
    done.wait()
  }

  /// Ends all processes of the job.
  func end(status: Int32) { give(.end(status: status)) }

  private func give(_ order: Order) {
    wake.lock()
    orders.append(order)
    wake.signal()
    wake.unlock()
  }

  // MARK: On the thread

  private func serve(_ listen: () throws(JobError) -> Void) throws(JobError) {
    var running: [(requests: [dd2_mpi_request], finish: () -> Void)] = []
    while true {
      for order in takeOrders(mayRest: running.isEmpty) {
        switch order {
        case .operation(let operation): running.append((try operation.start(), operation.finish))
        case .leave(let done):
          try attempt { dd2_mpi_finish() }
          return done.complete()
        case .end(let status): dd2_mpi_abort(status)
        }
      }
      for index in running.indices { try Self.advance(&running[index].requests) }
      for operation in running where operation.requests.isEmpty { operation.finish() }
      running.removeAll { $0.requests.isEmpty }
      try listen()
      if waiters.areThere { sched_yield() } else if !running.isEmpty { usleep(Self.nap) }
    }
  }

  private func takeOrders(mayRest: Bool) -> [Order] {
    wake.lock()
    defer { wake.unlock() }
    if mayRest, orders.isEmpty { _ = wake.wait(until: Date(timeIntervalSinceNow: Self.rest)) }
    defer { orders.removeAll(keepingCapacity: true) }
    return orders
  }

  /// Drops the requests that have ended.
  private static func advance(_ requests: inout [dd2_mpi_request]) throws(JobError) {
    var rest: [dd2_mpi_request] = []
    for var request in requests {
      var isDone = false
      try attempt { dd2_mpi_is_done(&request, &isDone) }
      if !isDone { rest.append(request) }
    }
    requests = rest
  }
}

/// Calls MPI.
/// - Throws: `JobError.failed` with what it says.
func attempt(_ call: () -> UnsafeMutablePointer<CChar>?) throws(JobError) {
  guard let text = call() else { return }
  defer { free(text) }
  throw .failed(detail: String(cString: text))
}
