import TensorCore

/// Runs steps through XLA: a step is written down, compiled once by a PJRT plugin, and run on its device.
public final class XLABackend: LazyBackend<PJRTBuffer>, @unchecked Sendable {
  private let client: PJRTClient
  private var programs: [StepProgram: PJRTLoadedExecutable] = [:]

  /// Seconds that each compilation took, in order.
  public private(set) var compilations: [Double] = []

  /// A backend on the first device of a plugin's client.
  public init(_ client: PJRTClient) {
    self.client = client
    super.init()
  }

  /// Enough for a large device; small ones take as many without harm.
  public override var imagesAtOnce: Int { 64 }

  public override var summary: String { "XLA on \(client.devices.first?.kind ?? client.platformName)" }

  public override func buffer(_ elements: [Float], _ shape: Shape) -> PJRTBuffer {
    orEnd { () throws(PJRTError) in try client.upload(elements, shape: shape.dimensions) }
  }

  public override func buffer(_ elements: [Int32], _ shape: Shape) -> PJRTBuffer {
    orEnd { () throws(PJRTError) in try client.upload(elements, shape: shape.dimensions) }
  }

  public override func floats(of buffer: PJRTBuffer, count: Int) -> [Float] {
    orEnd { () throws(PJRTError) in try buffer.elements(as: Float.self) }
  }

  public override func integers(of buffer: PJRTBuffer, count: Int) -> [Int32] {
    orEnd { () throws(PJRTError) in try buffer.elements(as: Int32.self) }
  }

  public override func execute(_ program: StepProgram, _ arguments: [PJRTBuffer], isStep: Bool) -> [PJRTBuffer] {
    orEnd { () throws(PJRTError) in try executable(of: program).execute(arguments).outputs }
  }

  private func executable(of program: StepProgram) throws(PJRTError) -> PJRTLoadedExecutable {
    if let known = programs[program] { return known }
    let start = ContinuousClock.now
    let made = try client.compile(program.stableHLO())
    programs[program] = made
    compilations.append((ContinuousClock.now - start) / .seconds(1))
    return made
  }

  /// A device that fails cannot go on, and operations do not throw: the process ends with a line.
  private func orEnd<Result>(_ body: () throws(PJRTError) -> Result) -> Result {
    do {
      return try body()
    } catch {
      MemoryShortage.end(saying: error.description)
    }
  }
}
