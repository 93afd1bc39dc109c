import Foundation
import Synchronization
import Testing

@testable import TensorCore

@Suite struct ThreadPoolTests {
  private static let pools = [1, 2, 3, 5].map(ThreadPool.init(threadCount:))

  @Test(arguments: pools) func everyPartRunsOnce(pool: ThreadPool) {
    for _ in 0..<2000 {
      let counts = Counts(pool.threadCount)
      pool.forEachPart { counts.add($0) }
      #expect(counts.values == [Int](repeating: 1, count: pool.threadCount))
    }
  }

  @Test(arguments: pools) func rangesCoverEverythingOnce(pool: ThreadPool) {
    for (count, grain) in [(0, 1), (1, 1), (7, 1), (100, 30), (100, 1000), (64, 0), (5, 1)] {
      let counts = Counts(count)
      pool.forEachRange(count, grain: grain) { range in
        for index in range { counts.add(index) }
      }
      #expect(counts.values == [Int](repeating: 1, count: count), "\(count) items, grain \(grain)")
    }
  }

  @Test(arguments: pools) func aCallFromInsideAPartWorks(pool: ThreadPool) {
    let counts = Counts(pool.threadCount * 10)
    pool.forEachPart { part in
      pool.forEachRange(10, grain: 1) { range in
        for index in range { counts.add(part * 10 + index) }
      }
    }
    #expect(counts.values == [Int](repeating: 1, count: pool.threadCount * 10))
  }

  @Test func callersOnSeveralThreadsDoNotDisturbEachOther() async {
    let pool = Self.pools[2]
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<4 {
        group.addTask {
          (0..<500).allSatisfy { _ in
            let counts = Counts(3)
            pool.forEachPart { counts.add($0) }
            return counts.values == [1, 1, 1]
          }
        }
      }
      for await isRight in group { #expect(isRight) }
    }
  }

  @Test func cutsDependOnTheThreadCountAlone() {
    let ranges = (0..<3).map { ThreadPool.range(of: $0, parts: 3, count: 10) }
    #expect(ranges == [0..<3, 3..<6, 6..<10])
  }

  /// How often each index was seen, by any thread.
  private final class Counts: Sendable {
    private let counts: Mutex<[Int]>

    init(_ count: Int) { counts = Mutex([Int](repeating: 0, count: count)) }

    func add(_ index: Int) { counts.withLock { $0[index] += 1 } }

    var values: [Int] { counts.withLock { $0 } }
  }
}
