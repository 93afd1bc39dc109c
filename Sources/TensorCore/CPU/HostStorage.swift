import Synchronization

/// What a kernel of the CPU can make of elements to keep beside them.
enum DerivedForm: Hashable {
  /// Weights in the order in which direct convolution reads them.
  case panels(outputs: Int, inputs: Int, taps: Int)
}

/// Memory taken from the pool and given back to it on release. Storages that only differ in shape share it.
final class HostBlock: @unchecked Sendable {
  private let start: UnsafeMutableRawPointer
  /// When something else has filled the memory; nil where its user does. Set before others get the block.
  private var arrival: (any Arrival)?
  private let bytes: Int
  private let derived = Mutex<(form: DerivedForm, storage: Storage)?>(nil)

  init(bytes count: Int) { (start, bytes) = MemoryPool.shared.take(bytes: max(count, 1)) }

  deinit { MemoryPool.shared.giveBack(start, bytes: bytes) }

  /// Who asks for the memory from now on waits until something has arrived there.
  func fills(at arrival: any Arrival) { self.arrival = arrival }

  /// The memory, once it is filled.
  var pointer: UnsafeMutableRawPointer {
    arrival?.wait()
    return start
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
}

/// Elements in host memory.
final class HostStorage: Storage, @unchecked Sendable {
  let block: HostBlock

  init(_ type: ArrayType, block: HostBlock? = nil, backend: CPUBackend) {
    self.block = block ?? HostBlock(bytes: type.count * MemoryLayout<Float>.stride)
    super.init(type, backend: backend)
  }
}

extension Storage {
  /// The memory of a storage that the CPU backend made.
  var hostBlock: HostBlock {
    guard let storage = self as? HostStorage else {
      preconditionFailure("CPUBackend: got a storage of \(backend.summary)")
    }
    return storage.block
  }

  /// Its elements. Those of both types have four bytes: kernels that only move them read integers as Floats.
  var host: UnsafeMutablePointer<Float> { hostBlock.pointer.assumingMemoryBound(to: Float.self) }

  /// The same memory as integers.
  var hostIntegers: UnsafeMutablePointer<Int32> { hostBlock.pointer.assumingMemoryBound(to: Int32.self) }

  /// Its elements, about to be written over in place: what kernels derived from them is dropped.
  var overwritten: UnsafeMutablePointer<Float> {
    hostBlock.dropDerived()
    return host
  }

  /// Number of elements.
  var count: Int { type.count }
}
