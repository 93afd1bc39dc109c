import Foundation
import Synchronization
import TestSupport
import Testing

@testable import XLADevice

/// Clients of several processes, which find each other in a store: played by the plugin of `Tests/FaultyPlugin`.
@Suite("Key-value stores of clients", .enabled(if: CPUPlugin.isFound), .serialized) struct KeyValueStoreTests {
  /// The plugin, which exchanges keys as its client starts, and when a program runs.
  private func withPlugin(_ body: (PJRTPlugin) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/exchanging.so"
      try FaultyPlugin.build(at: path)
      setenv("FAULTY_AROUND", try #require(CPUPlugin.path), 1)
      setenv("FAULTY_STORE", "200", 1)
      defer {
        unsetenv("FAULTY_AROUND")
        unsetenv("FAULTY_STORE")
      }
      try body(PJRTPlugin(path: path))
    }
  }

  @Test func clientsReadWhatOthersGave() throws {
    try withPlugin { plugin in
      let store = MemoryStore()
      // What the other process gives: three bytes, one of them zero.
      store.put("node/1", [7, 0, 9])
      let client = try PJRTClient(plugin, job: PJRTJob(node: 0, nodes: 2, store: store))
      #expect(store.tryGet("node/0") == [0, 0x41, 0])
      #expect(store.tryGet("seen/0") == [7, 0, 9])
      // A program may ask too, as long as the client is there.
      let program = try client.compile(Program.binary("add", "1xf32"))
      let x = try client.upload([1] as [Float], shape: [1])
      _ = try program.execute([x, x])
      #expect(store.tryGet("run/0") == [0, 0x41, 0])
    }
  }

  @Test func aProcessThatDoesNotComeIsAnErrorOfOneLine() throws {
    try withPlugin { plugin in
      let error = failure { _ = try PJRTClient(plugin, job: PJRTJob(node: 1, nodes: 2, store: MemoryStore())) }
      #expect(error?.isOneLine == true)
      #expect(error?.description.contains("no other process has given 'node/0'") == true)
    }
  }

  @Test func aClientAloneHasNoStore() throws {
    try withPlugin { plugin in
      let client = try PJRTClient(plugin)
      #expect(client.devices.count >= 1)
    }
  }
}

/// A store of one process.
final class MemoryStore: KeyValueStore {
  private let values = Mutex<[String: [UInt8]]>([:])

  func put(_ key: String, _ value: [UInt8]) { values.withLock { $0[key] = value } }
  func tryGet(_ key: String) -> [UInt8]? { values.withLock { $0[key] } }

  func get(_ key: String, timeout: Duration) -> [UInt8]? {
    let end = ContinuousClock.now + timeout
    while ContinuousClock.now < end {
      if let value = tryGet(key) { return value }
      usleep(1000)
    }
    return tryGet(key)
  }
}
