import Datasets
import NN
import TensorCore
import TestModels
import TestSupport
import Testing
import Training

@testable import TeacherModels

/// A teacher's training is the same however many replicas share its batches.
@Suite("Teacher training in replicas") struct ReplicaTrainingTests {
  private struct Outcome: Sendable {
    var metrics: [[String: Double]] = []
    var weights: [String: [Float]] = [:]
  }

  private static let steps = 4

  private static func settings(rate: Float = 1e-3) -> TrainingSettings {
    TrainingSettings(steps: steps, batch: 8, learningRate: rate, optimizer: .init(beta2: 0.99), emaDecay: 0.9)
  }

  private static func outcome(_ stage: any TrainingStage) throws -> Outcome {
    var outcome = Outcome()
    for index in 0..<steps {
      outcome.metrics.append(Dictionary(uniqueKeysWithValues: try stage.step(index).read(step: index)))
    }
    let state = stage.state()
    outcome.weights = state.parameters.entries.mapValues(\.elements)
    for (name, values) in state.ema.entries { outcome.weights["ema." + name] = values.elements }
    outcome.weights["use"] = state.optimizer["code_usage"]?.elements ?? []
    return outcome
  }

  /// All replicas have the weights and metrics of one.
  private func check(_ make: @escaping @Sendable () throws -> any TrainingStage) throws {
    let alone = try Self.outcome(try make())
    for outcome in try inReplicas(2, { _ in try Self.outcome(try make()) }) {
      for (found, expected) in zip(outcome.metrics, alone.metrics) {
        #expect(found.keys.sorted() == expected.keys.sorted())
        for (name, value) in expected {
          #expect(abs((found[name] ?? .nan) - value) <= 1e-4 * (1e-1 + abs(value)), "\(name)")
        }
      }
      #expect(outcome.weights.keys.sorted() == alone.weights.keys.sorted())
      // All weights as one vector: AdamW enlarges rounding where a gradient is next to nothing.
      var (distance, length) = (0.0, 0.0)
      for (name, values) in alone.weights {
        let found = try #require(outcome.weights[name])
        #expect(found.count == values.count, "\(name)")
        for (a, b) in zip(found, values) {
          distance += Double((a - b) * (a - b))
          length += Double(b * b)
        }
      }
      #expect(distance.squareRoot() < 1e-4 * length.squareRoot())
    }
  }

  @Test func featuresForTheLoss() throws {
    try check { PerceptualTraining(data: FewImages(), settings: Self.settings(), seed: 3) }
  }

  @Test(arguments: TinyTeacher.allCases) func tokenizer(_ family: TinyTeacher) throws {
    @Sendable func stage<Family: TeacherFamily>(_ family: Family) -> any TrainingStage {
      TokenizerTraining(
        family.makeTokenizer(seed: 5), perceptual: .init(classCount: 10, seed: 3), weights: .init(), data: FewImages(),
        settings: Self.settings(), seed: 3)
    }
    try check { stage(family.configuration.family) }
  }

  @Test(arguments: TinyTeacher.allCases) func transformer(_ family: TinyTeacher) throws {
    @Sendable func stage<Family: TeacherFamily>(_ family: Family) -> any TrainingStage {
      let L = family.layout.count
      let tokens = TokenSet(
        ids: IndexArray((0..<20 * L).map { Int32($0 * 7 % 12) }, [20, L]), labels: (0..<20).map { $0 % 10 })
      return TransformerTraining(
        family.makeTransformer(over: family.makeTokenizer(seed: 5), seed: 5), tokens: TokenSource { tokens },
        settings: Self.settings(), seed: 3)
    }
    try check { stage(family.configuration.family) }
  }
}
