/// Memory taken from the pool and given back to it on release. Storages that only differ in shape share it.
final class HostBlock: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer
  private let bytes: Int

  init(bytes count: Int) { (pointer, bytes) = MemoryPool.shared.take(bytes: max(count, 1)) }

  deinit { MemoryPool.shared.giveBack(pointer, bytes: bytes) }
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
  private var hostBlock: HostBlock {
    guard let storage = self as? HostStorage else {
      preconditionFailure("CPUBackend: got a storage of \(backend.summary)")
    }
    return storage.block
  }

  /// Host memory of a storage that the CPU backend made. Elements of both types have four bytes: kernels that only move
  /// them read integers as Floats.
  var host: UnsafeMutablePointer<Float> { hostBlock.pointer.assumingMemoryBound(to: Float.self) }

  /// The same memory as integers.
  var hostIntegers: UnsafeMutablePointer<Int32> { hostBlock.pointer.assumingMemoryBound(to: Int32.self) }

  /// Number of elements.
  var count: Int { type.count }
}
