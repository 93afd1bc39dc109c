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
    /// The entropy in nats of the frequencies that these counts (n) are.
    case entropy(counts: Tensor)
  }

  private var values: [(name: String, value: Value)]
  private var updates: [UpdateReport]

  /// Metrics in the order in which they are shown.
  /// - Parameter updates: those of the step, whose gradients must have been finite.
  public init(_ values: [(String, Value)], updates: [UpdateReport] = []) {
    self.values = values.map { ($0.0, $0.1.withoutGraph) }
    self.updates = updates
  }

  /// These metrics, then others.
  public static func + (first: StepMetrics, second: StepMetrics) -> StepMetrics {
    var result = first
    result.values += second.values
    result.updates += second.updates
    return result
  }

  /// What several passes of equal size over parts of a batch tell of the whole.
  package init(averaging passes: [StepMetrics]) {
    precondition(
      passes.allSatisfy { $0.values.map(\.name) == passes[0].values.map(\.name) }, "StepMetrics: passes that differ")
    values = passes[0].values.indices.map { index in
      (passes[0].values[index].name, .averaged(passes.map { $0.values[index].value }))
    }
    updates = passes.flatMap(\.updates)
  }

  /// What all replicas tell of their equal parts of a batch.
  package func summedOverReplicas() -> StepMetrics {
    let tensors = values.flatMap(\.value.tensors)
    guard let count = tensors.first?.replicaCount, count > 1 else { return self }
    var sums = TensorCore.summedOverReplicas(tensors)[...]
    var result = self
    result.values = values.map { name, value in (name, value.summed(&sums, over: count)) }
    return result
  }

  /// The entropy in nats of the frequencies that counts (n) are: a scalar.
  package static func entropy(counts: Tensor) -> Tensor {
    let p = counts / counts.sum()
    // Where p is 0, so is p log p.
    return -(p * p.clamp(.leastNormalMagnitude, 1).log()).sum()
  }

  /// Copies all to the host at once.
  /// - Parameter step: the step's number from 0, for the error.
  /// - Throws: `NonFiniteStep` where a metric, or the gradient of a parameter, is not finite.
  package func read(step: Int) throws(NonFiniteStep) -> [(String, Double)] {
    let scalars = values.flatMap { metric in
      switch metric.value {
      case .number(let value), .part(let value): [value]
      case .mean(let sum, let count): [sum, count]
      case .entropy(let counts): [Self.entropy(counts: counts)]
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
      case .number, .entropy: metrics.append((name, number))
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

extension StepMetrics.Value {
  /// One metric of several passes.
  fileprivate static func averaged(_ passes: [StepMetrics.Value]) -> StepMetrics.Value {
    func sum(_ part: (StepMetrics.Value) -> Tensor) -> Tensor {
      passes.dropFirst().reduce(part(passes[0])) { $0 + part($1) }
    }
    let count = Float(passes.count)
    switch passes[0] {
    case .number: return .number(sum(\.first) / count)
    case .mean: return .mean(sum: sum(\.first), count: sum(\.second))
    case .part: return .part(sum(\.first) / count)
    case .entropy: return .entropy(counts: sum(\.first))
    }
  }

  /// What it consists of.
  fileprivate var tensors: [Tensor] {
    switch self {
    case .number(let value), .part(let value), .entropy(let value): [value]
    case .mean(let sum, let count): [sum, count]
    }
  }

  /// The metric of all replicas.
  /// - Parameter sums: over the replicas, of `tensors`, which it takes away.
  fileprivate func summed(_ sums: inout ArraySlice<Tensor>, over count: Int) -> StepMetrics.Value {
    switch self {
    case .number: .number(sums.removeFirst() / Float(count))
    case .part: .part(sums.removeFirst() / Float(count))
    case .mean: .mean(sum: sums.removeFirst(), count: sums.removeFirst())
    case .entropy: .entropy(counts: sums.removeFirst())
    }
  }

  /// The metric alone: it holds nothing of what it was computed from.
  fileprivate var withoutGraph: StepMetrics.Value {
    switch self {
    case .number(let value): .number(value.stopGradient())
    case .mean(let sum, let count): .mean(sum: sum.stopGradient(), count: count.stopGradient())
    case .part(let value): .part(value.stopGradient())
    case .entropy(let counts): .entropy(counts: counts.stopGradient())
    }
  }

  private var first: Tensor {
    switch self {
    case .number(let value), .part(let value), .mean(let value, _), .entropy(let value): value
    }
  }

  private var second: Tensor {
    guard case .mean(_, let count) = self else { preconditionFailure("StepMetrics: passes that differ") }
    return count
  }
}
