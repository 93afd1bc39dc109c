import CMPI
import Foundation
import Synchronization
import TensorCore

/// The processes of a job through MPI.
public final class MPIJob: Exchange, @unchecked Sendable {
  // Unchecked: `rank`, `size` and `hosts` are set before anyone else sees the job.
  public private(set) var rank = 0
  public private(set) var size = 1
  /// The names of the processes' hosts, in their order.
  public private(set) var hosts: [String] = []
  private let thread: MPIThread
  private let buffers = BufferPool()
  private let store = Mutex<KeyValues?>(nil)
  private let doing = Mutex("the start")
  private let sums = Mutex(SumTraffic())

  /// What sums of gradients and metrics have taken so far.
  public var traffic: SumTraffic {
    var traffic = sums.withLock { $0 }
    traffic.waited = thread.waiters.time
    return traffic
  }

  /// Elements of an operation's part: MPI counts them in 32 bits.
  private static let mostAtOnce = 1 << 26
  private static let hostNameSize = 64

  /// Joins the job that a launcher has started.
  /// - Parameter fail: called, on a thread of its own, where the job cannot go on: says why. All processes are ended then.
  /// - Throws: `JobError`.
  public init(_ launch: JobLaunch, fail: @escaping @Sendable (JobError) -> Void) throws(JobError) {
    let family = try Self.open(launch)
    thread = MPIThread(fail: fail)
    let outcome = Mutex<JobError?>(nil)
    let joined = Completion()
    thread.start {
      do throws(JobError) {
        try self.join(launch, family)
      } catch {
        outcome.withLock { $0 = error }
      }
      joined.complete()
      return outcome.withLock { $0 == nil }
    } listen: { [signs = Mutex<SignsOfLife?>(nil)] () throws(JobError) in
      try signs.withLock { signs throws(JobError) in
        if signs == nil { signs = SignsOfLife(rank: self.rank, hosts: self.hosts) }
        try signs?.look {
          self.doing.withLock { $0 }
        } deliver: { bytes, process in
          self.keyValues.receive(bytes, from: process)
        }
      }
    }
    joined.wait()
    if let error = outcome.withLock({ $0 }) { throw error }
  }

  private static func open(_ launch: JobLaunch) throws(JobError) -> String {
    var family: UnsafePointer<CChar>?
    let names = launch.libraries.map { strdup($0) }
    defer { for name in names { free(name) } }
    do {
      try attempt { dd2_mpi_open(names.map { UnsafePointer($0) }, names.count, &family) }
    } catch {
      guard case .failed(let detail) = error else { throw error }
      throw .noLibrary(launcher: launch.launcher, detail: detail)
    }
    return family.map { String(cString: $0) } ?? ""
  }

  private func join(_ launch: JobLaunch, _ family: String) throws(JobError) {
    var (rank, size) = (Int32(0), Int32(1))
    try attempt { dd2_mpi_start(&rank, &size) }
    guard size > 1 else { throw .alone(launcher: launch.launcher, size: launch.size, family: family) }
    (self.rank, self.size) = (Int(rank), Int(size))
    var name = Array(ProcessInfo.processInfo.hostName.utf8.prefix(Self.hostNameSize))
    name += [UInt8](repeating: 0, count: Self.hostNameSize - name.count)
    let (mine, all) = (Message(name), Message([UInt8](repeating: 0, count: Self.hostNameSize * self.size)))
    var (request, isDone) = (dd2_mpi_request(), false)
    try attempt { dd2_mpi_gather(mine.bytes.baseAddress, all.bytes.baseAddress, Self.hostNameSize, &request) }
    while !isDone { try attempt { dd2_mpi_is_done(&request, &isDone) } }
    hosts = (0..<self.size).map { index in
      let name = all.bytes[(index * Self.hostNameSize)...].prefix(Self.hostNameSize).prefix { $0 != 0 }
      return String(decoding: name, as: UTF8.self)
    }
  }

  /// Tells the other processes what this one does, for when it is lost.
  public func note(_ place: String) { doing.withLock { $0 = place } }

  /// Leaves the job, together with all other processes.
  public func leave() {
    // Who is leaving gives no signs of life: first all come to this point, while the last one may still write.
    _ = sum([0])
    thread.leave()
  }

  /// Ends all processes of the job; returns before it has happened.
  public func end(status: Int32) { thread.end(status: status) }

  /// Keys and values by which the processes find each other.
  public var keyValues: KeyValues {
    store.withLock { store in
      let known = store ?? KeyValues(isFirst: rank == 0) { [thread] to, bytes in thread.send(bytes, to: to) }
      store = known
      return known
    }
  }

  // MARK: Exchange

  public func beginSum(
    _ arrays: [UnsafeBufferPointer<Float>], into sums: [UnsafeMutableBufferPointer<Float>], holding owners: [AnyObject]
  ) -> any Arrival {
    let done = Completion(thread.waiters)
    let count = arrays.reduce(0) { $0 + $1.count }
    let buffers = buffers
    var begin = ContinuousClock.now
    var bytes: UnsafeMutableRawBufferPointer?
    thread.run(
      .init { () throws(JobError) in
        begin = .now
        let flat = buffers.take(4 * count)
        bytes = flat
        var place = flat.baseAddress
        for array in arrays where !array.isEmpty {
          place?.copyMemory(from: array.baseAddress.unsafelyUnwrapped, byteCount: 4 * array.count)
          place = place?.advanced(by: 4 * array.count)
        }
        return try Self.sum(flat.baseAddress, count, 4, DD2_MPI_FLOAT)
      } finish: {
        var place = bytes?.baseAddress
        for sum in sums where !sum.isEmpty {
          UnsafeMutableRawPointer(sum.baseAddress)?.copyMemory(from: place.unsafelyUnwrapped, byteCount: 4 * sum.count)
          place = place?.advanced(by: 4 * sum.count)
        }
        if let bytes { buffers.giveBack(bytes) }
        self.sums.withLock {
          $0.bytes += 4 * count
          $0.underWay += ContinuousClock.now - begin
        }
        withExtendedLifetime(owners) { done.complete() }
      })
    return done
  }

  public func sum(_ values: [Double]) -> [Double] {
    var values = values
    values.withUnsafeMutableBytes { bytes in
      let (start, count) = (bytes.baseAddress, bytes.count / 8)
      wait { () throws(JobError) in try Self.sum(start, count, 8, DD2_MPI_DOUBLE) }
    }
    return values
  }

  public func gather(_ bytes: [UInt8]) -> [[UInt8]] {
    let counts = gatherEqual([bytes.count].withUnsafeBytes { Array($0) }).withUnsafeBytes {
      Array($0.bindMemory(to: Int.self))
    }
    let most = counts.max() ?? 0
    var results = counts.map { count -> [UInt8] in
      var result: [UInt8] = []
      result.reserveCapacity(count)
      return result
    }
    for start in stride(from: 0, to: most, by: Self.mostAtOnce) {
      let size = min(Self.mostAtOnce, most - start)
      let part = Array(bytes.dropFirst(start).prefix(size))
      let all = gatherEqual(part + [UInt8](repeating: 0, count: size - part.count))
      for (index, count) in counts.enumerated() where count > start {
        results[index] += all[(index * size)...].prefix(min(size, count - start))
      }
    }
    return results
  }

  public func fromFirst(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    bytes.withUnsafeMutableBytes { bytes in
      for start in stride(from: 0, to: bytes.count, by: Self.mostAtOnce) {
        let part = UnsafeMutableRawBufferPointer(rebasing: bytes[start...].prefix(Self.mostAtOnce))
        wait { () throws(JobError) in
          var request = dd2_mpi_request()
          try attempt { dd2_mpi_broadcast(part.baseAddress, part.count, &request) }
          return [request]
        }
      }
    }
    return bytes
  }

  /// Gathers as many bytes of every process.
  private func gatherEqual(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: bytes.count * size) { all, count in
      count = bytes.count * size
      let all = UnsafeMutableRawPointer(all.baseAddress)
      bytes.withUnsafeBytes { bytes in
        wait { () throws(JobError) in
          var request = dd2_mpi_request()
          try attempt { dd2_mpi_gather(bytes.baseAddress, all, bytes.count, &request) }
          return [request]
        }
      }
    }
  }

  private static func sum(
    _ start: UnsafeMutableRawPointer?, _ count: Int, _ stride: Int, _ kind: Int
  ) throws(JobError) -> [dd2_mpi_request] {
    var requests: [dd2_mpi_request] = []
    for first in Swift.stride(from: 0, to: count, by: mostAtOnce) {
      var request = dd2_mpi_request()
      try attempt {
        dd2_mpi_sum(start?.advanced(by: first * stride), min(mostAtOnce, count - first), Int32(kind), &request)
      }
      requests.append(request)
    }
    return requests
  }

  /// Runs an operation to its end.
  private func wait(_ start: () throws(JobError) -> [dd2_mpi_request]) {
    let done = Completion(thread.waiters)
    withoutActuallyEscaping(start) { start in
      thread.run(.init(start: start, finish: done.complete))
      done.wait()
    }
  }
}

/// Sums over the processes of a job.
public struct SumTraffic: Sendable {
  /// Bytes of the arrays of this process that were added up.
  public var bytes = 0
  /// From the start of each sum to its end.
  public var underWay = Duration.zero
  /// How long computations have waited, for sums and for what else processes exchange.
  public var waited = Duration.zero
}

/// Memory for sums that is used again, on the MPI thread.
private final class BufferPool: @unchecked Sendable {
  private var free: [UnsafeMutableRawBufferPointer] = []

  func take(_ bytes: Int) -> UnsafeMutableRawBufferPointer {
    if let index = free.firstIndex(where: { $0.count >= bytes }) { return free.remove(at: index) }
    // One that is too small is replaced by one that fits.
    free.popLast()?.deallocate()
    return .allocate(byteCount: max(bytes, 1), alignment: 64)
  }

  func giveBack(_ buffer: UnsafeMutableRawBufferPointer) { free.append(buffer) }
}
