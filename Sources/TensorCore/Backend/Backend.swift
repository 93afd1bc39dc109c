import Synchronization

/// A device: holds arrays, runs kernels. The CPU is the first one; ops, models, losses and optimisers are written against
/// this protocol and never touch element memory themselves.
///
/// A backend may run a kernel at once, or record it and run the whole step when it ends (`step`).
public protocol Backend: AnyObject, Sendable {
  /// What runs here, for the run's metadata: device, threads, BLAS core type.
  var summary: String { get }
  /// Images that a deep network of feature maps best takes at a time: enough for all of the device to work and for
  /// weights to be read seldom, few enough for the maps to stay small.
  var imagesAtOnce: Int { get }
  /// The replicas that run each step.
  var replicas: Replicas { get }

  /// Runs a kernel.
  /// - Returns: its results in memory of their own, or, where a kernel only renames (`MovementKernel.reshape`), possibly in
  ///   that of an operand.
  func run(_ kernel: Kernel, _ operands: [Storage]) -> [Storage]

  /// Changes arrays in place: the only way in which an array changes after it was made.
  func update(_ states: [Storage], by kernel: UpdateKernel, _ operands: [Storage])

  /// An array whose elements nobody has set yet: for an update to fill before anything reads it.
  func allocate(_ type: ArrayType) -> Storage

  /// Explicit copies from the host.
  func upload(_ elements: [Float], _ shape: Shape) -> Storage
  func upload(_ elements: [Int32], _ shape: Shape) -> Storage

  /// Explicit copies from the host of an array that differs from replica to replica.
  /// - Parameters:
  ///   - elements: those of this process's replicas, one replica after the other.
  ///   - shape: of one replica's array.
  func distribute(_ elements: [Float], _ shape: Shape) -> Storage
  func distribute(_ elements: [Int32], _ shape: Shape) -> Storage

  /// Explicit copies to the host, which wait for whatever computes the array: never inside a step.
  func floats(_ storage: Storage) -> [Float]
  func integers(_ storage: Storage) -> [Int32]

  /// The number of the first replica of this process in which an array is not what it is in its first one, bit for bit; nil
  /// where all are equal. Copies to the host.
  func replicaThatDiffers(in storage: Storage) -> Int?

  /// Runs `body` as one step, such as an update of a network or the drawing of a stage of tokens: what a backend that
  /// compiles makes one program of. A step inside another one is part of it.
  func step<Result>(_ body: () throws -> Result) rethrows -> Result
}

extension Backend {
  /// One replica.
  public var replicas: Replicas { .one }

  /// With one replica here, there is nothing to compare.
  public func replicaThatDiffers(in storage: Storage) -> Int? { nil }

  /// With one replica here, nothing but a copy.
  public func distribute(_ elements: [Float], _ shape: Shape) -> Storage { upload(elements, shape) }
  public func distribute(_ elements: [Int32], _ shape: Shape) -> Storage { upload(elements, shape) }
}

/// The backend on which new tensors are made.
public enum Backends {
  /// The CPU backend of this process.
  public static let cpu = CPUBackend()

  private static let chosen = Mutex<any Backend>(cpu)

  /// Makes a backend the process's. Called once at the start, before any tensor is made.
  public static func use(_ backend: any Backend) { chosen.withLock { $0 = backend } }

  /// Stands in for the process's backend within a task: how tests run code on another one.
  @TaskLocal public static var override: (any Backend)?

  /// The backend on which tensors are created.
  public static var current: any Backend { override ?? chosen.withLock { $0 } }

  /// Runs `body` as one step of the current backend; see `Backend.step`.
  public static func step<Result>(_ body: () throws -> Result) rethrows -> Result { try current.step(body) }
}

/// Memory that holds an array's elements, owned by a backend. Only that backend reads or writes it.
open class Storage: @unchecked Sendable {
  /// Shape and element type.
  public let type: ArrayType
  /// The backend whose kernels may touch this memory.
  public let backend: any Backend

  /// Called by backends for their own kinds of storage.
  public init(_ type: ArrayType, backend: any Backend) {
    self.type = type
    self.backend = backend
  }
}

/// The backend of all operands, the current one where there are none.
func commonBackend(_ operands: [Storage], _ name: @autoclosure () -> String) -> any Backend {
  guard let backend = operands.first?.backend else { return Backends.current }
  for operand in operands.dropFirst() where operand.backend !== backend {
    preconditionFailure(
      "\(name()): operands of two backends, \(backend.summary) and \(operand.backend.summary); make all tensors after "
        + "the backend is chosen")
  }
  return backend
}

/// Runs a kernel on the backend of its operands.
func run(_ kernel: Kernel, _ operands: [Storage]) -> [Storage] {
  commonBackend(operands, "\(kernel)").run(kernel, operands)
}

/// Runs a kernel of one result.
func run(_ kernel: Kernel, _ operands: Storage...) -> Storage { run(kernel, operands)[0] }
