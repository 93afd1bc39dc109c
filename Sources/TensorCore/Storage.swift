import CShims
import Synchronization

/// Memory that holds a tensor's elements, owned by a backend. Only that backend reads or writes it.
open class Storage: @unchecked Sendable {
  /// Number of Float elements.
  public let count: Int
  /// The backend whose kernels may touch this memory.
  public let backend: any Backend

  /// Called by backends for their own kinds of storage.
  public init(count: Int, backend: any Backend) {
    self.count = count
    self.backend = backend
  }
}

/// What a kernel of the CPU can make of elements to keep beside them.
enum DerivedForm: Hashable {
  /// Weights in the order in which direct convolution reads them.
  case panels(outputs: Int, inputs: Int, taps: Int)
}

/// Elements in host memory, taken from a pool and given back to it on release.
final class HostStorage: Storage, @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Float>
  private let bytes: Int
  private let derived = Mutex<(form: DerivedForm, storage: Storage)?>(nil)

  init(count: Int, backend: CPUBackend) {
    let block = MemoryPool.shared.take(bytes: max(count, 1) * MemoryLayout<Float>.stride)
    pointer = block.pointer.assumingMemoryBound(to: Float.self)
    bytes = block.bytes
    super.init(count: count, backend: backend)
  }

  /// The elements in another form; the latest form asked for is kept.
  func derived(_ form: DerivedForm, make: () -> Storage) -> Storage {
    derived.withLock { known in
      if let known, known.form == form { return known.storage }
      let made = make()
      known = (form, made)
      return made
    }
  }

  /// Forgets forms of elements that are about to change.
  func dropDerived() { derived.withLock { $0 = nil } }

  deinit { MemoryPool.shared.giveBack(UnsafeMutableRawPointer(pointer), bytes: bytes) }
}

/// Blocks of memory by size class. Fresh pages are costly on virtual machines, so a released block is kept for the
/// next request of its class: a training step in steady state takes nothing from the system.
final class MemoryPool: Sendable {
  static let shared = MemoryPool()

  private struct State: @unchecked Sendable {
    var free: [Int: [UnsafeMutableRawPointer]] = [:]
    var bytesFromSystem = 0
  }
  private let state = Mutex(State())

  /// Bytes taken from the system; they stay in the pool until it is trimmed.
  var bytesFromSystem: Int { state.withLock { $0.bytesFromSystem } }

  /// The size class that holds `bytes`: four classes to each power of two, at least 256 bytes.
  static func sizeClass(_ bytes: Int) -> Int {
    let least = 256
    guard bytes > least else { return least }
    let power = 1 << (Int.bitWidth - 1 - (bytes - 1).leadingZeroBitCount)
    let quarter = max(power / 4, 64)
    return (bytes + quarter - 1) / quarter * quarter
  }

  func take(bytes: Int) -> (pointer: UnsafeMutableRawPointer, bytes: Int) {
    let size = Self.sizeClass(bytes)
    let recycled = state.withLock { state -> UnsafeMutableRawPointer? in
      if let block = state.free[size]?.popLast() { return block }
      state.bytesFromSystem += size
      return nil
    }
    if let recycled { return (recycled, size) }
    guard MemoryShortage.hasRoom(for: size), let fresh = dd2_allocate(size) else {
      MemoryShortage.end(lacking: size, for: "a tensor")
    }
    return (fresh, size)
  }

  /// Gives blocks that nothing uses back to the system.
  func trim() {
    let unused = state.withLock { state -> [UnsafeMutableRawPointer] in
      state.bytesFromSystem -= state.free.reduce(0) { $0 + $1.key * $1.value.count }
      defer { state.free = [:] }
      return state.free.values.flatMap { $0 }
    }
    for block in unused { dd2_release(block) }
  }

  func giveBack(_ pointer: UnsafeMutableRawPointer, bytes: Int) {
    state.withLock { $0.free[bytes, default: []].append(pointer) }
  }
}
