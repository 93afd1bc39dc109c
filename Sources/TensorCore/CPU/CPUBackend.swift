import CShims
import Foundation
import Synchronization

/// Float32 on the CPU: OpenBLAS for matrix products, vectorised C kernels for the rest, one thread pool. Kernels run at
/// once.
///
/// Each kernel family is an extension in a file of its own in this folder.
public final class CPUBackend: Backend {
  let pool = ThreadPool.shared
  private let others = Mutex<(any Peers)?>(nil)
  /// The other processes that run the same steps; nil for none.
  var peers: (any Peers)? { others.withLock { $0 } }

  /// A backend without peers.
  public init() {}

  /// From now on sums over replicas are those over all processes of a job.
  public func join(_ peers: any Peers) { others.withLock { $0 = peers } }

  /// Processor, threads and BLAS core type.
  public var summary: String { "\(Self.processorName), \(pool.threadCount) threads, OpenBLAS \(BLAS.shared.coreName)" }

  public var imagesAtOnce: Int { 4 * pool.threadCount }

  private static let processorName: String = {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let model = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
    return model.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
  }()

  /// Fewest elements per thread for which waking a second thread pays.
  static let grain = 16_384

  public func run(_ kernel: Kernel, _ operands: [Storage]) -> [Storage] {
    switch kernel {
    case .movement(.reshape(let shape)): return [renamed(operands[0], shape)]
    case .movement(.barrier): return operands
    case .collective(.sum): return sums(operands)
    default: break
    }
    let results = kernel.results(of: operands.map(\.type)).map { allocate($0) }
    switch kernel {
    case .elementwise(let kernel): run(kernel, operands, into: results[0])
    case .movement(let kernel): run(kernel, operands, into: results[0])
    case .reduction(let kernel): run(kernel, operands, into: results)
    case .matrix(let kernel): run(kernel, operands, into: results[0])
    case .softmax(let kernel): run(kernel, operands, into: results)
    case .norm(let kernel): run(kernel, operands, into: results)
    case .groupNorm(let kernel): run(kernel, operands, into: results)
    case .attention(let kernel): run(kernel, operands, into: results)
    case .convolution(let kernel): run(kernel, operands, into: results[0])
    case .pooling(let kernel): run(kernel, operands[0], into: results[0])
    case .resize(let kernel): run(kernel, operands[0], into: results[0])
    case .posterior(let kernel): run(kernel, operands, into: results)
    case .random(let kernel): run(kernel, operands, into: results[0])
    case .choice(let kernel): run(kernel, operands, into: results[0])
    case .collective: preconditionFailure("CPUBackend: \(kernel) has results of its own")
    }
    return results
  }

  /// Kernels run when they are asked for: a step is nothing more than its body.
  public func step<Result>(_ body: () throws -> Result) rethrows -> Result { try body() }
}

extension CPUBackend {
  public func allocate(_ type: ArrayType) -> Storage { HostStorage(type, backend: self) }

  /// Memory for a kernel's own use.
  func scratch(_ count: Int) -> Storage { allocate(ArrayType([count])) }

  /// The same memory under another shape.
  private func renamed(_ storage: Storage, _ shape: Shape) -> Storage {
    guard let storage = storage as? HostStorage else { preconditionFailure("CPUBackend: got a foreign storage") }
    return HostStorage(storage.type.with(shape), block: storage.block, backend: self)
  }

  public func upload(_ elements: [Float], _ shape: Shape) -> Storage {
    let storage = allocate(ArrayType(shape))
    elements.withUnsafeBufferPointer {
      if let base = $0.baseAddress { storage.host.update(from: base, count: $0.count) }
    }
    return storage
  }

  public func upload(_ elements: [Int32], _ shape: Shape) -> Storage {
    let storage = allocate(ArrayType(shape, .int32))
    elements.withUnsafeBufferPointer {
      if let base = $0.baseAddress { storage.hostIntegers.update(from: base, count: $0.count) }
    }
    return storage
  }

  public func floats(_ storage: Storage) -> [Float] {
    precondition(storage.type.element == .float32, "floats: of \(storage.type)")
    return Array(UnsafeBufferPointer(start: storage.host, count: storage.count))
  }

  public func integers(_ storage: Storage) -> [Int32] {
    precondition(storage.type.element == .int32, "integers: of \(storage.type)")
    return Array(UnsafeBufferPointer(start: storage.hostIntegers, count: storage.count))
  }

  func copy(_ source: Storage, to destination: Storage, count: Int) {
    let from = source.host
    let to = destination.overwritten
    pool.forEachRange(count, grain: Self.grain) { range in
      (to + range.lowerBound).update(from: from + range.lowerBound, count: range.count)
    }
  }

  func fill(_ storage: Storage, value: Float, count: Int) {
    let to = storage.overwritten
    pool.forEachRange(count, grain: Self.grain) { range in
      (to + range.lowerBound).update(repeating: value, count: range.count)
    }
  }
}
