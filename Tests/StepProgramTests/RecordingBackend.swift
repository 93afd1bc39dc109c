import TensorCore

/// A small, slow backend that works as one does that compiles: it runs a step's program when the step ends, and if an earlier
/// step's is equal, that earlier one, on the inputs of this step.
///
/// It counts what such a backend would have to do anew.
final class RecordingBackend: LazyBackend<Storage>, @unchecked Sendable {
  private let device = Backends.cpu
  private var programs: Set<StepProgram> = []
  private var uploadsNow = 0

  /// The number of steps, and what was copied from the host for the last one.
  private(set) var steps = 0
  private(set) var uploads = 0
  /// The last step's program.
  private(set) var last: StepProgram?
  /// Different programs of steps so far: how often a compiler would have worked.
  var programCount: Int { programs.count }

  override var summary: String { "recording" }
  override var imagesAtOnce: Int { 2 }

  override func execute(_ program: StepProgram, _ arguments: [Storage], isStep: Bool) -> [Storage] {
    guard isStep else { return replay(program, arguments) }
    steps += 1
    (uploads, uploadsNow) = (uploadsNow, 0)
    let known = programs.insert(program).memberAfterInsert
    last = known
    return replay(known, arguments)
  }

  override func buffer(_ elements: [Float], _ shape: Shape) -> Storage {
    uploadsNow += 1
    return device.upload(elements, shape)
  }

  override func buffer(_ elements: [Int32], _ shape: Shape) -> Storage {
    uploadsNow += 1
    return device.upload(elements, shape)
  }

  override func floats(of buffer: Storage, count: Int) -> [Float] { device.floats(buffer) }
  override func integers(of buffer: Storage, count: Int) -> [Int32] { device.integers(buffer) }

  private func replay(_ program: StepProgram, _ arguments: [Storage]) -> [Storage] {
    var arrays = [Storage?](repeating: nil, count: program.count)
    for (input, argument) in zip(program.inputs, arguments) { arrays[input.number] = argument }
    func array(_ number: Int) -> Storage {
      guard let array = arrays[number] else { preconditionFailure("replay: array \(number) has no value yet") }
      return array
    }
    for instruction in program.instructions {
      let operands = instruction.operands.map(array)
      let results: [Storage]
      switch instruction.operation {
      case .run(let kernel): results = device.run(kernel, operands)
      case .update(let kernel):
        // What is overwritten may still be read under its old number.
        let states = operands.prefix(instruction.results.count).map { device.run(.movement(.copy), [$0])[0] }
        device.update(states, by: kernel, Array(operands.dropFirst(states.count)))
        results = states
      }
      for (number, result) in zip(instruction.results, results) { arrays[number] = result }
    }
    return program.outputs.map(array)
  }
}
