import Backbone
import DD2Generator
import DD2Teacher
import Datasets
import Evaluation
import FIDEval
import NN
import Sampling
import TeacherModels
import TensorCore
import TestModels
import TestSupport
import Testing
import Training

@testable import Distillation

/// Every training step of the product, recorded.
@Suite("Training steps are programs") struct TrainingStepTests {
  private struct Outcome: Equatable {
    var metrics: [[String: Double]] = []
    var weights: [String: [Float]] = [:]
  }

  /// Makes a stage with `make` and runs its steps, each but the first by a program that the first ones recorded.
  private func outcome(_ stage: any TrainingStage, steps: Int) throws -> Outcome {
    try stage.prepare()
    var outcome = Outcome()
    for index in 0..<steps {
      outcome.metrics.append(Dictionary(uniqueKeysWithValues: try stage.step(index).read(step: index)))
    }
    let state = stage.state()
    for (group, tensors) in [("", state.parameters), ("ema.", state.ema), ("optimizer.", state.optimizer)] {
      for (name, tensor) in tensors.entries { outcome.weights[group + name] = tensor.elements }
    }
    return outcome
  }

  /// Checks that a stage's steps copy nothing to the host, are few programs, and give what an eager run gives.
  /// - Parameter programs: different programs that the steps may need.
  private func check(steps: Int = 4, programs: Int, _ make: () throws -> any TrainingStage) throws {
    let expected = try outcome(make(), steps: steps)
    let backend = RecordingBackend()
    let found = try Backends.$override.withValue(backend) {
      let stage = try make()
      // What a stage prepares, such as pairs, has steps of its own.
      try stage.prepare()
      let before = (backend.programCount, backend.steps)
      let outcome = try outcome(stage, steps: steps)
      #expect(backend.programCount - before.0 <= programs, "\(backend.programCount - before.0) programs")
      #expect(backend.steps - before.1 >= steps)
      return outcome
    }
    #expect(backend.copiesInsideSteps == 0)
    #expect(backend.uploads <= 12, "\(backend.uploads) copies from the host in a step")
    #expect(found.metrics == expected.metrics)
    #expect(found.weights.keys.sorted() == expected.weights.keys.sorted())
    for (name, values) in expected.weights { #expect(found.weights[name] == values, "\(name)") }
  }

  private static func settings(_ change: (inout DistillationConfiguration) -> Void = { _ in })
    -> DistillationConfiguration
  {
    var settings = DistillationConfiguration(steps: 4)
    settings.batch = 3
    settings.noiseLevels = 2
    settings.firstRounds = 0
    settings.scoreUpdates = 2
    settings.pairs = 8
    settings.pairIntegrationSteps = 2
    settings.head = .init(width: 16, depth: 1)
    change(&settings)
    return settings
  }

  /// Pairs that are there before the first step.
  private static func pairs(
    _ teacher: any DD2Teacher.Teacher, _ settings: DistillationConfiguration
  ) throws -> TokenSource {
    let pairs = try TokenPairs.collect(
      teacher: teacher, guidance: settings.guidance, indices: 0..<settings.pairs, steps: 2, seed: settings.seed)
    return TokenSource { pairs }
  }

  @Test(arguments: TinyTeacher.allCases) func ofStage1(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      try check(programs: 1) {
        let teacher = try family.load(in: folder).teacher
        let settings = Self.settings {
          $0.guidance = Guidance(cfg: family.guidance.cfg, temperature: 0.9, topK: 8, topP: 0.9)
        }
        return try Stage1Training(teacher: teacher, tokens: try Self.pairs(teacher, settings), configuration: settings)
      }
    }
  }

  @Test(arguments: TinyTeacher.allCases) func ofTheWarmStart(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      try check(programs: 1) {
        let teacher = try family.load(in: folder).teacher
        let settings = Self.settings()
        let stage1 = try StudentFactory(teacher: teacher, settings).scoreNetwork().parameters.stateDict()
        return try PairRegression(
          name: "warm-start", steps: 4, teacher: teacher, initial: stage1, pairs: try Self.pairs(teacher, settings),
          configuration: settings, monitor: nil)
      }
    }
  }

  /// Both losses, with and without the regression beside them: a program for each of the two networks.
  @Test(arguments: TinyTeacher.allCases, DistillationLoss.allCases)
  func ofStage2(_ family: TinyTeacher, _ loss: DistillationLoss) throws {
    try withTemporaryFolder { folder in
      try check(programs: 2) {
        let teacher = try family.load(in: folder).teacher
        let settings = Self.settings {
          $0.loss = loss
          $0.regressionWeight = loss == .sid ? 0.5 : 0
          $0.guidance = family.guidance
        }
        let stage1 = try StudentFactory(teacher: teacher, settings).scoreNetwork().parameters.stateDict()
        return try Stage2Training(
          teacher: teacher, stage1: stage1, start: nil, pairs: try Self.pairs(teacher, settings),
          configuration: settings,
          monitor: DistillationMonitor(teacher: teacher, scorer: nil, configuration: settings))
      }
    }
  }

  @Test func ofThePerceptualNetwork() throws {
    try check(programs: 1) { PerceptualTraining(data: FewImages(), settings: Self.training, seed: 1) }
  }

  /// Steps that restart unused codes are a program of their own.
  @Test(arguments: TinyTeacher.allCases) func ofTheTokenizer(_ family: TinyTeacher) throws {
    try check(programs: 2) {
      TokenizerTraining(
        family.configuration.family.trainableTokenizer(seed: 1), perceptual: PerceptualNetwork(classCount: 10, seed: 2),
        weights: TokenizerLossWeights(), data: FewImages(), settings: Self.training, seed: 1)
    }
  }

  @Test(arguments: TinyTeacher.allCases) func ofTheTransformer(_ family: TinyTeacher) throws {
    try check(programs: 1) {
      let (transformer, L, V) = family.configuration.family.trainableTransformer(seed: 1)
      let ids = IndexArray((0..<(6 * L)).map { Int32($0 * 5 % V) }, [6, L])
      return TransformerTraining(
        transformer, tokens: TokenSource { TokenSet(ids: ids, labels: [0, 1, 2, 3, 4, 5]) }, settings: Self.training,
        seed: 1)
    }
  }

  @Test func ofTheFeatureNetwork() throws {
    try check(programs: 1) {
      FeatureNetTraining(
        data: Shapes32(.train), configuration: ShapesFeatureNetConfiguration(), settings: Self.training, seed: 1)
    }
  }

  private static let training = TrainingSettings(
    steps: 4, batch: 3, learningRate: 1e-3, optimizer: AdamWConfiguration(weightDecay: 0.01), emaDecay: 0.9)
}

extension TeacherFamily {
  fileprivate func trainableTokenizer(seed: UInt64) -> any TrainableTokenizer { makeTokenizer(seed: seed) }

  /// The transformer over a new tokenizer, tokens of a sequence and codes.
  fileprivate func trainableTransformer(seed: UInt64) -> (any TrainableTransformer, Int, Int) {
    let tokenizer = makeTokenizer(seed: seed)
    let transformer = makeTransformer(over: tokenizer, seed: seed)
    return (transformer, layout.count, tokenizer.embedding.shape[0])
  }
}
