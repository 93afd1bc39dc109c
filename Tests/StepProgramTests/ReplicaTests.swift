import DD2Generator
import NN
import Processes
import Sampling
import TeacherModels
import TensorCore
import TestModels
import TestSupport
import Testing
import Training

@testable import Distillation

/// An update is the same however many replicas share its batch, also in passes.
@Suite("Batches shared by replicas") struct ReplicaTests {
  private struct Outcome: Sendable {
    var metrics: [[String: Double]] = []
    var weights: [String: [Float]] = [:]
  }

  private static let steps = 3

  private static func settings(_ family: TinyTeacher, passSize: Int) -> DistillationConfiguration {
    var settings = DistillationConfiguration(steps: steps)
    settings.batch = 8
    settings.microBatch = passSize
    settings.noiseLevels = 2
    settings.firstRounds = 0
    settings.scoreUpdates = 1
    settings.pairs = 9
    settings.pairIntegrationSteps = 2
    settings.regressionWeight = 0.5
    settings.head = .init(width: 16, depth: 1)
    settings.guidance = family.guidance
    return settings
  }

  /// Stage 1, a regression and stage 2, some updates each.
  private static func outcomes(_ family: TinyTeacher, _ folder: String, passSize: Int) throws -> [Outcome] {
    let settings = settings(family, passSize: passSize)
    let teacher = try TeacherFile.read(folder + "/teacher.h5").teacher
    let pairs = try TokenPairs.collect(
      teacher: teacher, guidance: settings.guidance, indices: 0..<settings.pairs, steps: 2, seed: settings.seed)
    let stage1 = try StudentFactory(teacher: teacher, settings).scoreNetwork().parameters.stateDict()
    let stages: [any TrainingStage] = [
      try Stage1Training(teacher: teacher, tokens: TokenSource { pairs }, configuration: settings),
      try PairRegression(
        name: "warm-start", steps: 4, teacher: teacher, initial: stage1, pairs: TokenSource { pairs },
        configuration: settings, monitor: nil),
      try Stage2Training(
        teacher: teacher, stage1: stage1, start: nil, pairs: TokenSource { pairs }, configuration: settings,
        monitor: DistillationMonitor(teacher: teacher, scorer: nil, configuration: settings)),
    ]
    return try stages.map { stage in
      try stage.prepare()
      var outcome = Outcome()
      for index in 0..<steps {
        outcome.metrics.append(Dictionary(uniqueKeysWithValues: try stage.step(index).read(step: index)))
      }
      outcome.weights = stage.state().parameters.entries.mapValues(\.elements)
      return outcome
    }
  }

  @Test(arguments: TinyTeacher.allCases, [(2, 0), (4, 0), (2, 2)])
  func allReplicasHaveTheWeightsOfOne(_ family: TinyTeacher, _ job: (count: Int, passSize: Int)) throws {
    try withTemporaryFolder { folder in
      _ = try family.load(in: folder)
      let alone = try Self.outcomes(family, folder, passSize: 0)
      let found = try inReplicas(job.count) { _ in try Self.outcomes(family, folder, passSize: job.passSize) }
      for outcomes in found {
        for (outcome, expected) in zip(outcomes, alone) { check(outcome, expected) }
      }
      #expect(found.allSatisfy { $0.map(\.weights) == found[0].map(\.weights) })
    }
  }

  private func check(_ found: Outcome, _ expected: Outcome) {
    for (step, (a, b)) in zip(found.metrics, expected.metrics).enumerated() {
      #expect(a.keys.sorted() == b.keys.sorted())
      for (name, value) in b {
        #expect(abs((a[name] ?? .nan) - value) <= 1e-3 * (1e-1 + abs(value)), "step \(step): \(name)")
      }
    }
    for (name, values) in expected.weights {
      // AdamW enlarges rounding where a gradient is next to nothing.
      #expect(
        mismatch(found.weights[name] ?? [], values.map(Double.init), Tolerance(absolute: 2e-4, relative: 0)) == nil,
        "\(name)")
    }
  }
}
