import TensorCore

extension StepProgram {
  /// The program as a StableHLO module in text. A result that replaces a state takes the memory of the state's argument.
  /// - Parameters:
  ///   - widensFactors: see `Lowering`.
  ///   - replicaCount: how many devices run it together.
  func stableHLO(precision: Precision, widensFactors: Bool = false, replicaCount: Int = 1) -> String {
    var lowering = Lowering(precision: precision, widensFactors: widensFactors, replicaCount: replicaCount)
    var values: [Int: HLOValue] = [:]
    for (index, input) in inputs.enumerated() {
      values[input.number] = HLOValue(name: "%arg\(index)", type: HLOType(input.type))
    }
    func value(_ number: Int) -> HLOValue {
      guard let value = values[number] else { preconditionFailure("StepProgram: array \(number) has no value yet") }
      return value
    }
    for instruction in instructions {
      let operands = instruction.operands.map(value)
      let results: [HLOValue]
      switch instruction.operation {
      case .run(let kernel): results = lowering.run(kernel, operands)
      case .update(let kernel):
        let states = operands.prefix(instruction.results.count)
        results = lowering.run(kernel, Array(states), Array(operands.dropFirst(states.count)))
      }
      for (number, result) in zip(instruction.results, results) { values[number] = result }
    }
    let results = outputs.map(value)
    var aliases: [Int: Int] = [:]
    for (output, input) in replaced.enumerated() {
      guard let input, HLOType(inputs[input].type) == results[output].type else { continue }
      aliases[input] = output
    }
    let arguments = inputs.enumerated().map { index, input in
      let alias = aliases[index].map { " {tf.aliasing_output = \($0) : i32}" } ?? ""
      return "%arg\(index): \(HLOType(input.type).text)\(alias)"
    }
    let types = results.map(\.type.text).joined(separator: ", ")
    let attributes = replicaCount > 1 ? " attributes {mhlo.num_replicas = \(replicaCount) : i32}" : ""
    return """
      module @step\(attributes) {
      func.func public @main(\(arguments.joined(separator: ", "))) -> (\(types)) {
      \(lowering.w.lines.joined(separator: "\n"))
      return \(results.map(\.name).joined(separator: ", ")) : \(types)
      }
      }
      """
  }
}
