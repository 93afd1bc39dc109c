import Backbone
import DD2Teacher
import NN
import Sampling
import TeacherModels
import TensorCore
import TestModels
import TestSupport
import Testing
import Training
import XLADevice

@testable import Distillation

private let cpuPlugin = try? PluginSearch().path(of: .cpu)

/// A block of each family between its embedding and its classifier, and training, in bfloat16 on XLA beside the CPU backend.
@Suite("Precision of networks", .enabled(if: cpuPlugin != nil)) struct XLAPrecisionTests {
  /// The logits and the gradients of their cross-entropy with random weights, by name.
  private func outcome<Family: TeacherFamily>(_ family: Family) throws -> [String: [Float]] {
    let transformer = family.makeTransformer(over: family.makeTokenizer(seed: 5), seed: 5)
    let initial = transformer.parameters.stateDict()
    try transformer.parameters.load(
      StateDict(
        Dictionary(
          uniqueKeysWithValues: initial.entries.map { path, value in
            (path, value.shape.rank < 2 ? value : RandomNumbers(seed: 3, purpose: path).normal(value.shape) * 0.3)
          })))
    let (B, L) = (3, family.layout.count)
    let ids = IndexTensor((0..<B * L).map { Int32(($0 * 7) % 12) }, [B, L])
    let parameters = transformer.parameters.parameters
    let (logits, gradients) = Backends.step {
      let logits = transformer.logits(ids_BL: ids, labels: IndexTensor([0, 4, 10]))
      let loss = crossEntropy(logits, targets: ids).mean()
      return (logits.stopGradient(), loss.gradients(withRespectTo: parameters.map(\.value)))
    }
    var outcome = ["logits": logits.elements]
    for (parameter, gradient) in zip(parameters, gradients) { outcome[parameter.path] = gradient.elements }
    return outcome
  }

  /// Errors are parts of the largest element: roundings to 8 bits through a dozen products, and not those of float32.
  @Test(arguments: TinyTeacher.allCases) func aBlockAndItsGradients(_ family: TinyTeacher) throws {
    let expected = try outcome(family.configuration.family)
    let backend = XLABackend(try PJRTClient(PJRTPlugin(path: #require(cpuPlugin))), precision: .bfloat16)
    let found = try Backends.$override.withValue(backend) { try outcome(family.configuration.family) }
    #expect(Set(found.keys) == Set(expected.keys))
    for (name, values) in expected {
      let largest = values.map(abs).max() ?? 0
      let error = zip(values, found[name] ?? []).map { abs($0 - $1) }.max() ?? 0
      #expect(error <= 3e-2 * largest, "\(name): \(error) of \(largest)")
      #expect(largest == 0 || error > 2e-4 * largest, "\(name): \(error) of \(largest)")
    }
  }

  /// The metrics of two rounds of stage 2.
  private func rounds(_ folder: String) throws -> [[(String, Double)]] {
    let teacher = try TinyTeacher.nextScale.load(in: folder).teacher
    var settings = DistillationConfiguration(steps: 2)
    settings.batch = 3
    settings.noiseLevels = 2
    settings.firstRounds = 0
    settings.scoreUpdates = 1
    settings.head = .init(width: 16, depth: 1)
    let factory = StudentFactory(
      teacher: teacher, head: settings.head, adaptation: settings.adaptation, seed: settings.seed)
    let stage = try Stage2Training(
      teacher: teacher, stage1: factory.scoreNetwork().parameters.stateDict(), start: nil,
      pairs: TokenSource { throw CancellationError() }, configuration: settings,
      monitor: DistillationMonitor(teacher: teacher, scorer: nil, configuration: settings))
    return try (0..<2).map { try stage.step($0).read(step: $0) }
  }

  @Test func trainingIsAFewPercentAway() throws {
    try withTemporaryFolder { folder in
      let backend = XLABackend(try PJRTClient(PJRTPlugin(path: #require(cpuPlugin))), precision: .bfloat16)
      let (expected, found) = (try rounds(folder), try Backends.$override.withValue(backend) { try rounds(folder) })
      for (step, (a, b)) in zip(found, expected).enumerated() {
        // A number that is not finite is not within.
        for ((name, value), (_, other)) in zip(a, b) {
          #expect(abs(value - other) <= 5e-2 * abs(other), "step \(step): \(name) is \(value), not \(other)")
        }
        // Float32 is closer than that.
        #expect(zip(a, b).contains { abs($0.1 - $1.1) > 1e-3 * abs($1.1) }, "step \(step)")
      }
    }
  }
}
