import CPJRT
import Foundation

/// Values by name, common to the processes of a job: how the clients of a plugin find each other. Any thread may call, while
/// programs run too.
public protocol KeyValueStore: Sendable {
  /// Gives a key its value, which does not change afterwards.
  func put(_ key: String, _ value: [UInt8])
  /// The value of a key, for which it waits; nil where no process gives it in time.
  func get(_ key: String, timeout: Duration) -> [UInt8]?
  /// The value of a key that has one already.
  func tryGet(_ key: String) -> [UInt8]?
}

/// A client's place among those of several processes, which compute together.
public struct PJRTJob: Sendable {
  /// The process's number, from 0.
  public let node: Int
  /// Number of processes.
  public let nodes: Int
  /// Where they find each other.
  public let store: any KeyValueStore

  /// A place.
  public init(node: Int, nodes: Int, store: any KeyValueStore) {
    precondition((0..<nodes).contains(node), "PJRTJob: process \(node) of \(nodes)")
    (self.node, self.nodes, self.store) = (node, nodes, store)
  }
}

/// A store as C takes it.
final class StoreCallbacks: @unchecked Sendable {
  // Unchecked: what the pointer shows does not change.
  let pointer = UnsafeMutablePointer<dd2_pjrt_store>.allocate(capacity: 1)
  private let store: any KeyValueStore

  init(_ store: any KeyValueStore) {
    self.store = store
    pointer.initialize(
      to: dd2_pjrt_store(
        owner: Unmanaged.passUnretained(self).toOpaque(),
        put: { owner, key, value in StoreCallbacks.of(owner).put(key, value) },
        get: { owner, key, milliseconds, value, size in
          StoreCallbacks.of(owner).get(key, milliseconds, &value!.pointee, &size!.pointee)
        }))
  }

  deinit { pointer.deallocate() }

  private static func of(_ owner: UnsafeMutableRawPointer?) -> StoreCallbacks {
    guard let owner else { preconditionFailure("StoreCallbacks: a call without its owner") }
    return Unmanaged.fromOpaque(owner).takeUnretainedValue()
  }

  private func put(_ key: dd2_pjrt_text, _ value: dd2_pjrt_text) {
    store.put(String(key), Array(UnsafeRawBufferPointer(start: value.start, count: value.size)))
  }

  private func get(
    _ key: dd2_pjrt_text, _ milliseconds: Int64, _ value: inout UnsafeMutablePointer<CChar>?, _ size: inout Int
  ) -> Bool {
    let key = String(key)
    let found = milliseconds < 0 ? store.tryGet(key) : store.get(key, timeout: .milliseconds(milliseconds))
    guard let found, let copy = malloc(max(1, found.count)) else { return false }
    found.withUnsafeBytes { copy.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(copy), byteCount: $0.count) }
    value = copy.assumingMemoryBound(to: CChar.self)
    size = found.count
    return true
  }
}
