import Foundation
import Processes
import Synchronization
import TensorCore

/// Runs a body as the processes of a job would, each in a thread of this process.
/// - Returns: what the processes return, in the order of their numbers.
/// - Throws: what the first of those that failed threw. One that fails while others wait for it ends the tests.
public func inJob<Value: Sendable>(
  of size: Int, _ body: @escaping @Sendable (ProcessGroup) throws -> Value
) throws -> [Value] {
  let meeting = Meeting(size: size)
  let results = Mutex([Result<Value, any Error>?](repeating: nil, count: size))
  let group = DispatchGroup()
  for rank in 0..<size {
    group.enter()
    let thread = Thread {
      let processes = ProcessGroup(ThreadExchange(rank: rank, meeting: meeting))
      let result = Result { try ProcessGroup.$override.withValue(processes) { try body(processes) } }
      results.withLock { $0[rank] = result }
      group.leave()
    }
    thread.stackSize = 8 << 20
    thread.start()
  }
  group.wait()
  return try results.withLock { try $0.compactMap { try $0?.get() } }
}

/// As `inJob`, each process with a CPU backend of its own whose replicas the processes are.
public func inReplicas<Value: Sendable>(
  _ size: Int, _ body: @escaping @Sendable (ProcessGroup) throws -> Value
) throws -> [Value] {
  let meeting = Meeting(size: size)
  return try inJob(of: size) { group in
    let backend = CPUBackend()
    if !group.isAlone { backend.join(ThreadExchange(rank: group.rank, meeting: meeting)) }
    return try Backends.$override.withValue(backend) { try body(group) }
  }
}

/// Where the processes of a job leave what they have and take what the others left.
private final class Meeting: @unchecked Sendable {
  let size: Int
  private let condition = NSCondition()
  private var left: [[UInt8]?]
  private var all: [[UInt8]] = []
  private var number = 0

  init(size: Int) {
    self.size = size
    left = Array(repeating: nil, count: size)
  }

  func exchange(_ rank: Int, _ bytes: [UInt8]) -> [[UInt8]] {
    condition.withLock {
      let mine = number
      left[rank] = bytes
      if left.allSatisfy({ $0 != nil }) {
        all = left.compactMap(\.self)
        left = Array(repeating: nil, count: size)
        number += 1
        condition.broadcast()
      }
      let end = Date(timeIntervalSinceNow: 120)
      while number == mine {
        guard condition.wait(until: end) else { fatalError("ThreadJob: process \(rank) waits in vain for others") }
      }
      return all
    }
  }
}

private struct ThreadExchange: Exchange {
  let rank: Int
  let meeting: Meeting

  var size: Int { meeting.size }
  var hosts: [String] { (0..<size).map { "host\($0)" } }

  func note(_ place: String) {}

  func gather(_ bytes: [UInt8]) -> [[UInt8]] { meeting.exchange(rank, bytes) }

  func fromFirst(_ bytes: [UInt8]) -> [UInt8] { gather(bytes)[0] }

  func sum(_ values: [Double]) -> [Double] { Self.sum(values, gather) }

  func beginSum(
    _ arrays: [UnsafeBufferPointer<Float>], into sums: [UnsafeMutableBufferPointer<Float>], holding owners: [AnyObject]
  ) -> any Arrival {
    for (array, sum) in zip(arrays, sums) { _ = sum.update(from: Self.sum(Array(array), gather)) }
    return Here()
  }

  /// In the order of the processes, so that all have the same bits.
  private static func sum<Number: FloatingPoint & BitwiseCopyable>(
    _ values: [Number], _ gather: ([UInt8]) -> [[UInt8]]
  ) -> [Number] {
    gather(values.withUnsafeBytes { Array($0) }).reduce(into: [Number](repeating: 0, count: values.count)) {
      sums, bytes in
      bytes.withUnsafeBytes { bytes in
        for index in sums.indices {
          sums[index] += bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Number>.stride, as: Number.self)
        }
      }
    }
  }
}

/// What has come already.
private struct Here: Arrival {
  func wait() {}
}
