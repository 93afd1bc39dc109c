import TensorCore
import TestSupport

/// An operation to run on two backends: inputs as shapes, drawn from a normal distribution times `scale` plus `offset`.
struct Example {
  let name: String
  var shapes: [Shape]
  var scale: Float = 1
  var offset: Float = 0
  var tolerance = Tolerance(absolute: 2e-5, relative: 2e-5)
  var isDifferentiated = true
  let operation: ([Tensor]) -> [Tensor]

  /// The elements of the inputs.
  func numbers() -> [[Float]] {
    shapes.enumerated().map { index, shape in
      var stream = RandomStream(seed: 7, purpose: name, index: index)
      return (0..<shape.count).map { _ in stream.normal() * scale + offset }
    }
  }

  /// Values and, for random gradients of the results, the gradients of the inputs.
  func outcome(_ numbers: [[Float]]) -> [[Float]] {
    let inputs = zip(numbers, shapes).map { Tensor($0, $1).asLeaf() }
    let results = operation(inputs)
    var outcome = results.map(\.elements)
    guard isDifferentiated else { return outcome }
    let loss = results.enumerated().map { index, result -> Tensor in
      var stream = RandomStream(seed: 8, purpose: name, index: index)
      let weights = Tensor((0..<result.count).map { _ in stream.normal() }, result.shape)
      return (result * weights).sum()
    }.reduce(Tensor(0)) { $0 + $1 }
    outcome += loss.gradients(withRespectTo: inputs).map(\.elements)
    return outcome
  }
}
