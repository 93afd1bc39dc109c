import TensorCore

/// Gradient of `function` at `point` by central differences in Double, one list per input.
/// With `step` h the truncation error is O(h^2) and the rounding error O(1e-16 / h).
public func centralDifferences(
  at point: [[Double]], step: Double = 1e-5, _ function: ([[Double]]) -> Double
) -> [[Double]] {
  var point = point
  return point.indices.map { input in
    point[input].indices.map { element in
      let value = point[input][element]
      point[input][element] = value + step
      let above = function(point)
      point[input][element] = value - step
      let below = function(point)
      point[input][element] = value
      return (above - below) / (2 * step)
    }
  }
}

/// Checks an op against a naive Double reference: its value, and its gradient with respect to every input against
/// central differences of the reference, for a random gradient of the output.
/// - Parameters:
///   - inputs: values of the op's arguments; all of them become leaves.
///   - operation: the op under test.
///   - reference: the same function of the arguments' elements, row-major, in Double.
/// - Returns: nil where all agree, else one line about what does not.
public func operationMismatch(
  _ inputs: [Tensor], _ tolerance: Tolerance = .float, operation: ([Tensor]) -> Tensor,
  reference: ([[Double]]) -> [Double]
) -> String? {
  let leaves = inputs.map { $0.asLeaf() }
  let point = inputs.map { $0.elements.map(Double.init) }
  let result = operation(leaves)
  if let problem = mismatch(result.elements, reference(point), tolerance) { return "value: \(problem)" }

  let seed = SyntheticWeights.tensor("operationMismatch.seed", [result.count, 1]).reshaped(result.shape)
  let weights = seed.elements.map(Double.init)
  let expected = centralDifferences(at: point) { point in
    zip(reference(point), weights).reduce(0) { $0 + $1.0 * $1.1 }
  }
  let gradients = result.gradients(withRespectTo: leaves, seed: seed)
  for (index, gradient) in gradients.enumerated() {
    // Central differences themselves are good to about 1e-9.
    if let problem = mismatch(gradient, expected[index], shape: inputs[index].shape, tolerance) {
      return "gradient of input \(index): \(problem)"
    }
  }
  return nil
}
