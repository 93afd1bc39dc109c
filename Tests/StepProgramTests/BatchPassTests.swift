import DD2Generator
import DD2Teacher
import NN
import Sampling
import TeacherModels
import TensorCore
import TestModels
import TestSupport
import Testing
import Training

@testable import Distillation

/// An update in several passes, or with blocks that are computed again, is the update in one.
@Suite("Batches in passes") struct BatchPassTests {
  /// What three steps of a stage give.
  struct Outcome {
    var metrics: [[(String, Double)]] = []
    var weights: [String: [Float]] = [:]
  }

  static let steps = 3

  func outcome(_ stage: any TrainingStage) throws -> Outcome {
    try stage.prepare()
    var outcome = Outcome()
    for index in 0..<Self.steps { outcome.metrics.append(try stage.step(index).read(step: index)) }
    outcome.weights = stage.state().parameters.entries.mapValues(\.elements)
    return outcome
  }

  static func settings(
    _ family: TinyTeacher, passSize: Int = 0, recomputes: Bool = false
  ) -> DistillationConfiguration {
    var settings = DistillationConfiguration(steps: steps)
    settings.batch = 6
    settings.microBatch = passSize
    settings.recomputes = recomputes
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

  /// Stage 1, the regression on pairs, stage 2.
  func stages(
    _ family: TinyTeacher, _ folder: String, _ settings: DistillationConfiguration
  ) throws -> [any TrainingStage] {
    try (0..<3).map { try stage($0, family, folder, settings) }
  }

  /// One of `stages`, on pairs that the CPU draws.
  func stage(
    _ index: Int, _ family: TinyTeacher, _ folder: String, _ settings: DistillationConfiguration
  ) throws -> any TrainingStage {
    let collected = try Backends.$override.withValue(Backends.cpu) {
      try TokenPairs.collect(
        teacher: family.load(in: folder).teacher, guidance: settings.guidance, indices: 0..<settings.pairs, steps: 2,
        seed: settings.seed)
    }
    let pairs = TokenSource { collected }
    let teacher = try family.load(in: folder).teacher
    if index == 0 { return try Stage1Training(teacher: teacher, tokens: pairs, configuration: settings) }
    let stage1 = try StudentFactory(teacher: teacher, settings).scoreNetwork().parameters.stateDict()
    if index == 1 {
      return try PairRegression(
        name: "warm-start", steps: 4, teacher: teacher, initial: stage1, pairs: pairs, configuration: settings,
        monitor: nil)
    }
    return try Stage2Training(
      teacher: teacher, stage1: stage1, start: nil, pairs: pairs, configuration: settings,
      monitor: DistillationMonitor(teacher: teacher, scorer: nil, configuration: settings))
  }

  /// - Parameter weights: what the weights may differ by: AdamW enlarges rounding where a gradient is next to nothing.
  func check(_ found: Outcome, _ expected: Outcome, metrics: Double, weights: Double) {
    for (step, (a, b)) in zip(found.metrics, expected.metrics).enumerated() {
      #expect(a.map(\.0) == b.map(\.0))
      for ((name, value), (_, other)) in zip(a, b) {
        #expect(abs(value - other) <= metrics * (1e-1 + abs(other)), "step \(step): \(name) is \(value), not \(other)")
      }
    }
    #expect(found.weights.keys.sorted() == expected.weights.keys.sorted())
    for (name, values) in expected.weights {
      #expect(
        mismatch(found.weights[name] ?? [], values.map(Double.init), Tolerance(absolute: weights, relative: 0)) == nil,
        "\(name)")
    }
  }

  @Test(arguments: TinyTeacher.allCases, [2, 3]) func passesAddUp(_ family: TinyTeacher, _ size: Int) throws {
    try withTemporaryFolder { folder in
      let whole = try stages(family, folder, Self.settings(family)).map { try outcome($0) }
      let parts = try stages(family, folder, Self.settings(family, passSize: size)).map { try outcome($0) }
      for (found, expected) in zip(parts, whole) { check(found, expected, metrics: 1e-3, weights: 2e-4) }
    }
  }

  @Test(arguments: TinyTeacher.allCases) func computingAgainChangesNothing(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let kept = try stages(family, folder, Self.settings(family)).map { try outcome($0) }
      let again = try stages(family, folder, Self.settings(family, recomputes: true)).map { try outcome($0) }
      for (found, expected) in zip(again, kept) { check(found, expected, metrics: 1e-4, weights: 1e-4) }
    }
  }

  /// All passes are one program, and the update another: for one network, and for the two of stage 2.
  @Test(arguments: TinyTeacher.allCases) func passesAreOneProgram(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let eager = try stages(family, folder, Self.settings(family, passSize: 2, recomputes: true))
        .map { try outcome($0) }
      for (index, programs) in [2, 2, 4].enumerated() {
        let backend = RecordingBackend()
        try Backends.$override.withValue(backend) {
          let stage = try stages(family, folder, Self.settings(family, passSize: 2, recomputes: true))[index]
          try stage.prepare()
          let before = backend.programCount
          check(try outcome(stage), eager[index], metrics: 0, weights: 0)
          #expect(backend.programCount - before <= programs, "\(backend.programCount - before) programs")
        }
        #expect(backend.copiesInsideSteps == 0)
      }
    }
  }
}
