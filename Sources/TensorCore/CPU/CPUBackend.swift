import CShims
import Foundation

/// Float32 on the CPU: OpenBLAS for matrix products, vectorised C kernels for the rest, one thread pool.
///
/// Each kernel family is an extension in a file of its own in this folder.
public final class CPUBackend: Backend {
  let pool = ThreadPool.shared
  /// Processor, threads and BLAS core type.
  public var summary: String { "\(Self.processorName), \(pool.threadCount) threads, OpenBLAS \(BLAS.shared.coreName)" }

  public var imagesAtOnce: Int { 4 * pool.threadCount }

  private static var processorName: String {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let model = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
    return model.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
  }

  /// Fewest elements per thread for which waking a second thread pays.
  static let grain = 16_384
}

extension Storage {
  /// A storage that the CPU backend made.
  var onHost: HostStorage {
    guard let storage = self as? HostStorage else {
      preconditionFailure("CPUBackend: got storage of another backend")
    }
    return storage
  }

  /// Its memory.
  var host: UnsafeMutablePointer<Float> { onHost.pointer }

  /// Its memory, about to be written over: what kernels derived from the elements is dropped.
  var overwritten: UnsafeMutablePointer<Float> {
    let storage = onHost
    storage.dropDerived()
    return storage.pointer
  }
}

extension CPUBackend {
  public func allocate(_ count: Int) -> Storage { HostStorage(count: count, backend: self) }

  public func copyFromHost(_ elements: [Float], to storage: Storage) {
    elements.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      storage.overwritten.update(from: base, count: source.count)
    }
  }

  public func copyToHost(_ storage: Storage, count: Int) -> [Float] {
    Array(UnsafeBufferPointer(start: storage.host, count: count))
  }

  public func copy(_ source: Storage, to destination: Storage, count: Int) {
    let from = source.host
    let to = destination.overwritten
    pool.forEachRange(count, grain: Self.grain) { range in
      (to + range.lowerBound).update(from: from + range.lowerBound, count: range.count)
    }
  }

  public func fill(_ storage: Storage, value: Float, count: Int) {
    let to = storage.overwritten
    pool.forEachRange(count, grain: Self.grain) { range in
      (to + range.lowerBound).update(repeating: value, count: range.count)
    }
  }
}
