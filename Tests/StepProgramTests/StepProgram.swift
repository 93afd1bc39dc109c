import TensorCore

/// The operations of one step: what a backend that compiles would make of it.
///
/// Arrays are numbered as they appear. Two steps whose programs are equal are the same computation on other inputs.
struct StepProgram: Hashable {
  enum Operation: Hashable {
    /// Results are new arrays.
    case run(Kernel)
    /// Results are the new values of the first operands, as many as there are results.
    case update(UpdateKernel)
  }

  struct Instruction: Hashable {
    let operation: Operation
    let operands: [Int]
    let results: [Int]
  }

  /// What the step reads of what was there before it, in the order in which it is first read.
  var inputs: [(number: Int, type: ArrayType)] = []
  var instructions: [Instruction] = []
  /// Arrays that somebody still holds when the step is over.
  var outputs: [Int] = []
  /// Numbers given so far.
  var count = 0

  static func == (a: StepProgram, b: StepProgram) -> Bool {
    a.instructions == b.instructions && a.outputs == b.outputs && a.inputs.map(\.number) == b.inputs.map(\.number)
      && a.inputs.map(\.type) == b.inputs.map(\.type)
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(instructions)
    hasher.combine(outputs)
    hasher.combine(inputs.map(\.type))
  }

  /// Runs the program on the CPU.
  /// - Returns: the outputs.
  func run(_ arguments: [Storage], on device: CPUBackend) -> [Storage] {
    var arrays = [Storage?](repeating: nil, count: count)
    for (input, argument) in zip(inputs, arguments) { arrays[input.number] = argument }
    func array(_ number: Int) -> Storage {
      guard let array = arrays[number] else { preconditionFailure("StepProgram: array \(number) has no value yet") }
      return array
    }
    for instruction in instructions {
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
    return outputs.map(array)
  }
}
