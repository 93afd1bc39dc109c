import TensorCore

/// Compiles steps for a device that is not there and computes nothing: what a program needs of a device can be known without
/// one. All of a topology's devices are replicas. Arrays have no elements; copies to the host give zeros.
public final class AbsentBackend: LazyBackend<Void>, @unchecked Sendable {
  /// A program that was compiled, with what its compilation took and what it needs.
  public struct Compilation {
    /// The program.
    public let program: StepProgram
    /// Seconds of the compilation, translation to StableHLO included.
    public let seconds: Double
    /// Memory that it needs on the device.
    public let memory: PJRTProgramMemory?
  }

  private let topology: PJRTTopology
  private let options: CompileOptions
  private let precision: Precision
  private var known: Set<StepProgram> = []
  /// The programs of the steps so far, in order, each once.
  public private(set) var compilations: [Compilation] = []
  /// What the last compilation failed with.
  public private(set) var failure: PJRTError?

  /// A backend that compiles for all devices of a topology together.
  public init(_ topology: PJRTTopology, options: CompileOptions, precision: Precision) {
    var options = options.adding(precision.overrides)
    options.replicas = topology.deviceCount
    (self.topology, self.options, self.precision) = (topology, options, precision)
    super.init()
  }

  /// As if one process had all devices: an array that differs from one to the other is copied whole.
  public override var replicas: Replicas {
    Replicas(count: topology.deviceCount, here: 0..<topology.deviceCount)
  }

  public override var summary: String { "a device that is not there" }
  public override var imagesAtOnce: Int { 64 }

  public override func execute(_ program: StepProgram, _ arguments: [Void], isStep: Bool) -> [Void] {
    if isStep, known.insert(program).inserted {
      do {
        let start = ContinuousClock.now
        let executable = try topology.compile(
          program.stableHLO(precision: precision, replicaCount: topology.deviceCount), options: options)
        compilations.append(
          Compilation(
            program: program, seconds: (ContinuousClock.now - start) / .seconds(1), memory: try executable.memory))
      } catch {
        failure = error
      }
    }
    return program.outputs.map { _ in () }
  }

  public override func buffer(_ elements: [Float], _ shape: Shape) {}
  public override func buffer(_ elements: [Int32], _ shape: Shape) {}
  public override func floats(of buffer: Void, count: Int) -> [Float] { [Float](repeating: 0, count: count) }
  public override func integers(of buffer: Void, count: Int) -> [Int32] { [Int32](repeating: 0, count: count) }
}
