import Foundation
import Synchronization
import Testing

@testable import Processes

@Suite struct KeyValuesTests {
  /// Stores of three processes whose messages reach each other at once, from a thread each.
  private final class Job: Sendable {
    let stores = Mutex<[KeyValues]>([])

    init() {
      let made = (0..<3).map { rank in
        KeyValues(isFirst: rank == 0) { to, bytes in
          let store = self.stores.withLock { $0[to] }
          DispatchQueue.global().async { store.receive(bytes, from: rank) }
        }
      }
      stores.withLock { $0 = made }
    }

    subscript(rank: Int) -> KeyValues { stores.withLock { $0[rank] } }
  }

  @Test(arguments: [(0, 1), (1, 0), (1, 2), (2, 2)])
  func whatOneGivesAnotherFinds(giver: Int, finder: Int) {
    let job = Job()
    job[giver].put("key", [1, 0, 255])
    #expect(job[finder].get("key", timeout: .seconds(20)) == [1, 0, 255])
    #expect(job[finder].tryGet("key") == [1, 0, 255])
  }

  @Test(arguments: [0, 1]) func whoAsksFirstWaits(finder: Int) async {
    let job = Job()
    async let found = Task.detached { job[finder].get("late", timeout: .seconds(20)) }.value
    try? await Task.sleep(for: .milliseconds(50))
    #expect(job[finder].tryGet("late") == nil)
    job[2].put("late", [])
    #expect(await found == [])
  }

  @Test(arguments: [0, 1]) func nobodyGivesIt(finder: Int) {
    let job = Job()
    #expect(job[finder].get("never", timeout: .milliseconds(50)) == nil)
    #expect(job[finder].tryGet("never") == nil)
  }
}
