import Artifacts
import Foundation
import NN
import TensorCore

extension ParameterSet {
  /// Loads the golden files' synthetic weights into every parameter of a network.
  /// - Parameters:
  ///   - prefix: what stands before the parameter's path in the weight's name, such as `golden-var.vae.`.
  ///   - overrides: weights that the reference initialises by another rule.
  public func loadSynthetic(prefix: String, overrides: [String: Tensor] = [:]) throws {
    var state = StateDict()
    for parameter in parameters {
      state[parameter.path] =
        overrides[parameter.path] ?? SyntheticWeights.tensor(prefix + parameter.path, parameter.value.shape)
    }
    try load(state)
  }
}

/// Largest difference of two tensors relative to the largest element of the expected one; infinite on NaN or a
/// shape mismatch.
public func relativeToLargest(_ actual: Tensor, _ expected: Tensor) -> Float {
  guard actual.shape == expected.shape else { return .infinity }
  let (a, e) = (actual.elements, expected.elements)
  let largest = e.reduce(0) { max($0, abs($1)) }
  var worst: Float = 0
  for (x, y) in zip(a, e) {
    guard x.isFinite else { return .infinity }
    worst = max(worst, abs(x - y))
  }
  return worst / largest
}

extension Tensor {
  /// `BChw` (PyTorch's order) to `BhwC`.
  public var channelsLast: Tensor { permuted([0, 2, 3, 1]) }
  /// `BhwC` to `BChw`.
  public var channelsFirst: Tensor { permuted([0, 3, 1, 2]) }
}

extension Goldens {
  /// An integer dataset, such as token ids.
  public static func indices(_ file: String, _ name: String) throws -> IndexTensor {
    let array = try array(file, name)
    return IndexTensor((array.ints ?? []).map(Int32.init), Shape(array.shape))
  }
}
