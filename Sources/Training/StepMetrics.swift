import NN
import TensorCore

/// What a training step computed about itself, on the backend: read in one copy when the step is over.
public struct StepMetrics {
  /// One metric; all tensors are scalars.
  public enum Value {
    /// A number.
    case number(Tensor)
    /// A sum over some of the elements, divided by how many they are; left out where there are none.
    case mean(sum: Tensor, count: Tensor)
    /// A part that is usually none; left out then.
    case part(Tensor)
  }

  private var values: [(name: String, value: Value)]
  private var updates: [UpdateReport]

  /// Metrics in the order in which they are shown.
  /// - Parameter updates: those of the step, whose gradients must have been finite.
  public init(_ values: [(String, Value)], updates: [UpdateReport] = []) {
    self.values = values.map { ($0.0, $0.1) }
    self.updates = updates
  }

  /// These metrics, then others.
  public static func + (first: StepMetrics, second: StepMetrics) -> StepMetrics {
    var result = first
    result.values += second.values
    result.updates += second.updates
    return result
  }

  /// Copies all to the host at once.
  /// - Parameter step: the step's number from 0, for the error.
  /// - Throws: `NonFiniteStep` where a metric, or the gradient of a parameter, is not finite.
  package func read(step: Int) throws(NonFiniteStep) -> [(String, Double)] {
    let scalars = values.flatMap { metric in
      switch metric.value {
      case .number(let value), .part(let value): [value]
      case .mean(let sum, let count): [sum, count]
      }
    }
    let all = (updates.map(\.norm) + scalars).map { $0.reshaped([1]) }
    guard !all.isEmpty else { return [] }
    var numbers = withoutGradient { Tensor.concatenated(all, axis: 0) }.elements.map { Double($0) }[...]
    for update in updates where !(numbers.popFirst() ?? 0).isFinite {
      throw NonFiniteStep(quantity: "the gradient of \(update.nonFiniteGradient())", step: step + 1)
    }
    var metrics: [(String, Double)] = []
    for (name, value) in values {
      let number = numbers.popFirst() ?? 0
      switch value {
      case .number: metrics.append((name, number))
      case .part: if number != 0 { metrics.append((name, number)) }
      case .mean:
        let count = numbers.popFirst() ?? 0
        if count != 0 { metrics.append((name, number / count)) }
      }
    }
    if let bad = metrics.first(where: { !$0.1.isFinite }) { throw NonFiniteStep(quantity: bad.0, step: step + 1) }
    return metrics
  }
}
