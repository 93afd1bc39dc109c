import Backbone
import DD2Generator
import DD2Teacher
import NN
import Sampling
import ScoreNet
import TeacherModels
import TensorCore
import Training
import TestModels
import TestSupport
import Testing

@testable import Distillation

@Suite("What stage 2 starts from and reads") struct Stage2SettingsTests {
  private static func stage(
    _ teacher: any DD2Teacher.Teacher, start: StateDict? = nil,
    _ change: (inout DistillationConfiguration) -> Void
  ) throws -> (stage: Stage2Training, stage1: StateDict) {
    var settings = DistillationConfiguration(steps: 1)
    settings.batch = 2
    settings.noiseLevels = 1
    settings.firstRounds = 0
    settings.scoreUpdates = 1
    settings.head = .init(width: 16, depth: 1)
    change(&settings)
    let stage1 = try StudentFactory(teacher: teacher, head: settings.head, seed: 9).scoreNetwork().parameters
      .stateDict()
    let monitor = DistillationMonitor(teacher: teacher, scorer: nil, configuration: settings)
    return (
      try Stage2Training(
        teacher: teacher, stage1: stage1, start: start, pairs: pairs(teacher, settings),
        configuration: settings, monitor: monitor), stage1
    )
  }

  private static func pairs(_ teacher: any DD2Teacher.Teacher, _ settings: DistillationConfiguration) -> TokenSource {
    TokenSource {
      try TokenPairs.collect(
        teacher: teacher, guidance: settings.guidance, indices: 0..<4, steps: 4, seed: settings.seed)
    }
  }

  /// The regression beside the distillation pulls as hard as its weight says, and is not there without one.
  @Test(arguments: TinyTeacher.allCases)
  func theRegressionGoesOnWhereItHasAWeight(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder).teacher
      func run(weight: Float) throws -> (settings: DistillationConfiguration, metrics: [[String: Double]]) {
        var kept: DistillationConfiguration?
        let (stage, _) = try Self.stage(teacher) { settings in
          settings.regressionWeight = weight
          settings.generatorLearningRate = 1e-2
          kept = settings
        }
        let metrics = try (0..<20).map { Dictionary(uniqueKeysWithValues: try stage.step($0).read(step: $0)) }
        return (try #require(kept), metrics)
      }
      let (settings, strong) = try run(weight: 100)
      let alone = try PairRegression(
        name: "alone", steps: 1, teacher: teacher,
        initial: try StudentFactory(teacher: teacher, head: settings.head, seed: 9).scoreNetwork().parameters
          .stateDict(), pairs: Self.pairs(teacher, settings), configuration: settings, monitor: nil)
      let first = Dictionary(uniqueKeysWithValues: try alone.step(0).read(step: 0))
      #expect(strong[0]["cross_entropy"] == first["cross_entropy"])
      let weak = try run(weight: 1e-4).metrics
      #expect(weak[0]["csd"] == strong[0]["csd"])
      let (gained, lost) = (strong.compactMap { $0["cross_entropy"] }, weak.compactMap { $0["cross_entropy"] })
      #expect(gained.count == 20 && gained[16...].reduce(0, +) < 0.8 * lost[16...].reduce(0, +))
      #expect(try run(weight: 0).metrics.allSatisfy { $0["cross_entropy"] == nil })
    }
  }

  /// Every path of every network: stage 1's weights, and in a generator's part too.
  @Test(arguments: TinyTeacher.allCases) func bothNetworksStartFromStage1(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder).teacher
      let (stage, stage1) = try Self.stage(teacher) { $0.parts = 2 }
      let (generator, score) = (stage.generator.parameters.stateDict(), stage.score.parameters.stateDict())
      #expect(score.names == stage1.names)
      for name in stage1.names {
        let trained = try #require(stage1[name]).elements
        #expect(score[name]?.elements == trained, "\(name)")
        for path in [name, "parts.1." + name] { #expect(generator[path]?.elements == trained, "\(path)") }
      }
    }
  }

  /// Neither network is drawn at random where all of it is loaded.
  @Test(arguments: TinyTeacher.allCases) func aWarmStartIsTakenWhole(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder).teacher
      let start = try StudentFactory(
        teacher: teacher, head: .init(width: 16, depth: 1), adaptation: DistillationConfiguration(steps: 1).adaptation,
        seed: 4
      ).generator().parameters.stateDict()
      let (stage, stage1) = try Self.stage(teacher, start: start) { _ in }
      for (state, expected) in [
        (stage.generator.parameters.stateDict(), start), (stage.averagedState, start),
        (stage.score.parameters.stateDict(), stage1),
      ] {
        #expect(state.entries.mapValues(\.elements) == expected.entries.mapValues(\.elements))
      }
    }
  }

  /// The score network's error on the generator's tokens, whose codes it reads, in Double.
  @Test(arguments: TinyTeacher.allCases) func theScoreNetworkReadsCodes(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder, sharpness: 200).teacher
      var settings = DistillationConfiguration(steps: 1)
      let (stage, _) = try Self.stage(teacher) { settings = $0 }
      let random = StepRandom(
        seed: settings.seed, purpose: "distill.score", step: RandomCounter(0), pass: settings.batchPlan.passes[0])
      let (L, D) = (teacher.layout.count, teacher.codebook.dimension)
      let labels = random.labels(classCount: teacher.classCount)
      let q_BLD = stage.generator(noise_BLD: random.noise(1, L, D).dropping(axis: 0), labels: labels)
        .stopGradient()
      let step = DrawnStep(
        random, q_BLD: q_BLD, K: settings.noiseLevels, times: settings.timeRange, noisePurpose: ".levels")
      func error(reading ids_BL: IndexTensor) -> Double {
        let prediction = stage.score.denoise(
          hidden_BLC: stage.score.hiddenStates(ids_BL: ids_BL, labels: labels), x_t: step.x_t_KBLD, t: step.t_KBL)
        return DoubleReference.denoisingLoss(prediction.elements.map(Double.init), target: step.q, D: D)
      }
      let ids_BL = teacher.codebook.nearest(q_BLD)
      let others = IndexTensor(ids_BL.values.map { ($0 + 1) % Int32(teacher.codebook.count) }, ids_BL.shape)
      let (expected, other) = (error(reading: ids_BL), error(reading: others))
      let found = try #require(Dictionary(uniqueKeysWithValues: try stage.step(0).read(step: 0))["fcs"])
      #expect(abs(found - expected) < 1e-4 * expected)
      #expect(abs(found - other) > 1e-3 * other)
    }
  }

  /// A position's trunk reads its own noise and that of earlier ones.
  @Test func aPositionSeesItsOwnNoiseAndThatOfEarlierOnes() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextToken.load(in: folder, sharpness: 200).teacher
      // The gain would show the noise to the logits behind the trunk.
      let (stage, _) = try Self.stage(teacher) { $0.noiseGain = 0 }
      let generator = stage.generator
      let weights = generator.parameters.stateDict()
      // The own noise's map begins as zero.
      try generator.parameters.load(
        StateDict(
          Dictionary(
            uniqueKeysWithValues: weights.entries.map { name, value in
              (name, name.hasPrefix("own_noise") ? .normal(value.shape, seed: 3, purpose: "test.weights") : value)
            })))
      let (L, D) = (teacher.layout.count, teacher.codebook.dimension)
      let noise_BLD = generator.noise(samples: [0], seed: 3, purpose: "test")
      func logits(_ noise_BLD: Tensor) throws -> [[Float]] {
        let logits_BLV = try #require(generator.draw(noise_BLD: noise_BLD, labels: [4]).logits_BLV)
        return (0..<L).map { logits_BLV.sliced(axis: 1, $0..<($0 + 1)).elements }
      }
      let before = try logits(noise_BLD)
      for position in 0..<(L - 1) {
        var elements = noise_BLD.elements
        for d in 0..<D { elements[position * D + d] += 1 }
        let after = try logits(Tensor(elements, [1, L, D]))
        #expect(after[..<position] == before[..<position])
        #expect(after[position] != before[position], "position \(position)")
        #expect(after[position + 1] != before[position + 1], "position \(position) is not seen by the next")
      }
    }
  }

  /// The decay after n updates is n / (n + ramp), up to the decay asked for.
  @Test func theAverageGrowsLongerWithTheRun() {
    var settings = DistillationConfiguration(steps: 1)
    settings.emaDecay = 0.98
    let cases: [(ramp: Float, count: Int, decay: Float)] = [
      (9, 1, 0.1), (9, 36, 0.8), (3, 1, 0.25), (3, 27, 0.9), (3, 200, 0.98),
    ]
    for (ramp, count, expected) in cases {
      settings.emaRamp = ramp
      #expect(abs(settings.averagingDecay(afterUpdates: count) - expected) < 1e-6)
    }
  }

  /// The generator's rate falls only where it is held for a while and no longer.
  @Test func theGeneratorsRateFallsAfterItsHold() {
    var settings = DistillationConfiguration(steps: 1)
    settings.generatorLearningRate = 4
    #expect(settings.generatorSchedule.rate(at: 999) == 4)
    settings.generatorConstantSteps = 10
    #expect(settings.generatorSchedule.rate(at: 9) == 4)
    #expect(abs(settings.generatorSchedule.rate(at: 39) - 2) < 1e-6)
  }
}
