/// What a program asks of any device: arithmetic, and the least that crosses its memory. Counted from the operations, not
/// from what a compiler makes of them.
///
/// Bytes are a lower bound. Elementwise work, movements, norms and softmaxes count as fused into the operation before or
/// after them: they move nothing of their own. What moves:
/// - operands and results of products, attention, convolutions, the posterior, the choice of tokens and updates; inside a
///   kernel that has several products, as attention has, each product's operands and results too;
/// - the rows that are gathered from a table or added to one;
/// - every other input and output of the program, once.
public struct ProgramCost: Equatable, Sendable {
  /// Multiplications and additions in the products of networks: linear maps, matrix products, attention, convolutions.
  public internal(set) var productFLOPs = 0
  /// All other arithmetic, which is of 32-bit numbers: the posterior, resampling, elementwise work, updates. A function such
  /// as exp counts as one operation; a softmax or a norm as some per element (`Kernel+Cost.swift`).
  public internal(set) var otherFLOPs = 0
  /// Bytes of operands and results of the products of networks, with 32-bit numbers.
  public internal(set) var productBytes = 0
  /// Bytes of everything else that has to move.
  public internal(set) var otherBytes = 0
  /// Bytes of the arrays that each replica gives to sums over all of them.
  public internal(set) var reducedBytes = 0
}

extension StepProgram {
  /// The arithmetic and the least memory traffic of running the program once.
  public var cost: ProgramCost {
    var count = CostCount(self)
    for instruction in instructions { count.add(instruction) }
    count.addRemaining(inputs: inputs.map(\.number), outputs: outputs)
    return count.cost
  }
}

private struct CostCount {
  var cost = ProgramCost()
  private var types: [Int: ArrayType] = [:]
  /// For an array that only renames another, the other.
  private var origins: [Int: Int] = [:]
  /// Arrays whose traffic is counted already.
  private var counted: Set<Int> = []

  init(_ program: StepProgram) {
    for input in program.inputs { types[input.number] = input.type }
  }

  mutating func add(_ instruction: StepProgram.Instruction) {
    let operands = instruction.operands.map(type)
    switch instruction.operation {
    case .run(let kernel):
      let results = kernel.results(of: operands)
      for (number, type) in zip(instruction.results, results) { types[number] = type }
      if case .movement(.reshape) = kernel { origins[instruction.results[0]] = origin(instruction.operands[0]) }
      if case .collective(.sum) = kernel { cost.reducedBytes += 4 * operands.reduce(0) { $0 + $1.count } }
      let flops = kernel.flops(of: operands, results)
      cost.productFLOPs += flops.products
      cost.otherFLOPs += flops.others
      guard let traffic = kernel.traffic(of: operands, results) else { return }
      counted.formUnion((instruction.operands + instruction.results).map(origin))
      cost.productBytes += 4 * traffic.products
      cost.otherBytes += 4 * traffic.others
    case .update(let kernel):
      for (number, type) in zip(instruction.results, operands) { types[number] = type }
      counted.formUnion((instruction.operands + instruction.results).map(origin))
      let states = Array(operands.prefix(instruction.results.count))
      cost.otherFLOPs += kernel.flops(states: states)
      cost.otherBytes += 4 * kernel.traffic(states: states, operands: Array(operands.dropFirst(states.count)))
    }
  }

  /// What no counted operation has read or written.
  mutating func addRemaining(inputs: [Int], outputs: [Int]) {
    // An input that is also an output is two: it is read, and it is there afterwards as it was.
    for number in Set(inputs.map(origin)).union(outputs.map(origin)) where !counted.contains(number) {
      cost.otherBytes += 4 * type(number).count
    }
  }

  private func origin(_ number: Int) -> Int { origins[number] ?? number }

  private func type(_ number: Int) -> ArrayType {
    guard let type = types[number] else { preconditionFailure("ProgramCost: array \(number) has no type yet") }
    return type
  }
}
