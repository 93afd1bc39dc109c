import DD2Generator
import DD2Teacher
import Foundation
import NN
import ScoreNet
import TensorCore
import Testing

@testable import Distillation

@Suite("Students") struct StudentTests {
  @Test(arguments: TinyTeacher.allCases)
  func theScoreNetworkStartsAsTheTeachersPosterior(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder).teacher
      let network = try StudentFactory(teacher: teacher, head: .init(width: 16, depth: 1), seed: 3).scoreNetwork()
      let (K, B, L, D) = (2, 3, teacher.layout.count, teacher.codebook.dimension)
      let ids = IndexTensor((0..<(B * L)).map { Int32($0 * 7 % teacher.codebook.count) }, [B, L])
      let labels: [Int32] = [0, 9, 4]
      let random = StepRandom(seed: 1, purpose: "test", step: 0)
      let t = random.times(K, B, L, in: 0.02...1)
      let q_BLD = teacher.codebook.latents(ids)
      let x_t = noised(q_BLD, t: t, noise: random.noise(K, B, L, D))
      let expected = codebookPosterior(
        x_t, t: t, logProbabilities: teacher.logProbabilities(ids_BL: ids, labels: labels, guidance: .init()),
        codebook: teacher.codebook.vectors_VD
      ).mean.elements
      let drawn = network.denoise(
        hidden_BLC: network.hiddenStates(latents_BLD: q_BLD, labels: labels), x_t: x_t, t: t
      ).elements
      #expect(zip(drawn, expected).allSatisfy { abs($0 - $1) < 1e-4 })
    }
  }
}

@Suite("Warm start") struct PairRegressionTests {
  fileprivate static func configuration(crossEntropy: Float) -> DistillationConfiguration {
    var settings = DistillationConfiguration(steps: 1)
    settings.batch = 3
    settings.pairs = 3
    settings.pairIntegrationSteps = 4
    settings.warmStartSteps = 60
    settings.regressionLearningRate = 3e-3
    settings.regressionCrossEntropy = crossEntropy
    settings.head = .init(width: 16, depth: 1)
    return settings
  }

  fileprivate static func regression(
    _ teacher: any DD2Teacher.Teacher, _ settings: DistillationConfiguration
  ) throws -> (stage: PairRegression, pairs: TokenSet) {
    let pairs = TokenPairs.collect(
      teacher: teacher, guidance: .init(), indices: 0..<settings.pairs, steps: settings.pairIntegrationSteps,
      seed: settings.seed)
    let stage1 = try StudentFactory(teacher: teacher, head: settings.head, seed: settings.seed).scoreNetwork()
    let stage = try PairRegression(
      name: "warm-start", steps: settings.warmStartSteps, teacher: teacher, initial: stage1.parameters.stateDict(),
      pairs: TokenSource { pairs }, configuration: settings, monitor: nil)
    return (stage, pairs)
  }

  @Test(arguments: TinyTeacher.allCases)
  func reportsDistanceAndCrossEntropyOfThePairs(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder).teacher
      let settings = Self.configuration(crossEntropy: 1)
      let (stage, pairs) = try Self.regression(teacher, settings)
      let noise_BLD = TokenPairs.noise(teacher: teacher, count: 3, seed: settings.seed, firstIndex: 0)
      let drawn = stage.generator.draw(
        noise_BLD: noise_BLD, labels: pairs.labels, reading: teacher.codebook.latents(pairs.ids))
      let (V, D) = (teacher.codebook.count, teacher.codebook.dimension)
      let (q, rows) = (drawn.latents_BLD.elements, try #require(drawn.logits_BLV).elements)
      let codes = teacher.codebook.vectors_VD.elements
      var distance = 0.0
      var crossEntropy = 0.0
      for (row, id) in pairs.ids.values.enumerated() {
        for d in 0..<D { distance += pow(Double(q[row * D + d]) - Double(codes[Int(id) * D + d]), 2) }
        let sum = (0..<V).reduce(0.0) { $0 + exp(Double(rows[row * V + $1])) }
        crossEntropy += log(sum) - Double(rows[row * V + Int(id)])
      }
      let metrics = Dictionary(uniqueKeysWithValues: try stage.step(0))
      let count = Double(pairs.ids.values.count)
      #expect(abs(try #require(metrics["regression"]) - distance / count) < 1e-4)
      #expect(abs(try #require(metrics["cross_entropy"]) - crossEntropy / count) < 1e-4)
    }
  }

  /// Two of three rows begin with their first stages given: only the other tokens count, and they see the given ones.
  @Test(arguments: TinyTeacher.allCases)
  func givenTokensAreInputAndNotTarget(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder).teacher
      var settings = Self.configuration(crossEntropy: 0)
      settings.prefixShare = 0.6
      settings.adaptation.parts = 1
      let (stage, pairs) = try Self.regression(teacher, settings)
      let (L, D, kept) = (teacher.layout.count, teacher.codebook.dimension, teacher.layout.restart)
      #expect(kept > 0 && kept < L)
      let noise = TokenPairs.noise(teacher: teacher, count: 3, seed: settings.seed, firstIndex: 0)
      // The order in which the first step sees the pairs.
      let (order, _, labels) = try TokenSource { pairs }.batch(step: 0, size: 3, seed: settings.seed &+ 2)
      var distance = 0.0
      var count = 0
      for (row, pair) in order.enumerated() {
        let target = teacher.codebook.latents(pairs.batch([pair]).ids)
        let own = noise.sliced(axis: 0, pair..<(pair + 1))
        let first = row < 2 ? kept : 0
        let input = Tensor.concatenated(
          [target.sliced(axis: 1, 0..<first), own.sliced(axis: 1, first..<L)], axis: 1)
        // With all tokens given as `input`, the head still sees the true noise.
        let drawn = stage.generator.draw(
          noise_BLD: own, labels: [labels[row]], given: (Tensor([Float](repeating: 1, count: L), [1, L]), input)
        ).latents_BLD.elements
        for position in first..<L {
          for d in 0..<D {
            distance += pow(Double(drawn[position * D + d]) - Double(target.elements[position * D + d]), 2)
          }
          count += 1
        }
      }
      let metrics = Dictionary(uniqueKeysWithValues: try stage.step(0))
      #expect(abs(try #require(metrics["regression"]) - distance / Double(count)) < 1e-4)
    }
  }

  @Test func crossEntropyTrainsTheTokens() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextScale.load(in: folder).teacher
      let final = try [Float(0), 1].map { weight -> Double in
        let (stage, _) = try Self.regression(teacher, Self.configuration(crossEntropy: weight))
        var last: [(String, Double)] = []
        for step in 0..<60 { last = try stage.step(step) }
        return try #require(last.first { $0.0 == "cross_entropy" }?.1)
      }
      #expect(final[1] < 0.8 * final[0], "cross-entropy \(final[1]) with its loss, \(final[0]) without")
    }
  }
}

extension PairRegressionTests {
  /// A part reads the pair's tokens of the parts before it, not those that these draw.
  @Test(arguments: TinyTeacher.allCases)
  func partsReadThePairsTokens(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder).teacher
      var settings = Self.configuration(crossEntropy: 0)
      settings.adaptation.parts = 2
      let (stage, pairs) = try Self.regression(teacher, settings)
      let (order, ids, labels) = try TokenSource { pairs }.batch(step: 0, size: 3, seed: settings.seed &+ 2)
      let noise_BLD = Tensor.concatenated(
        order.map { TokenPairs.noise(teacher: teacher, count: 1, seed: settings.seed, firstIndex: $0) }, axis: 0)
      let target_BLD = teacher.codebook.latents(ids)
      func distance(reading read_BLD: Tensor?) -> Float {
        let drawn = stage.generator.draw(noise_BLD: noise_BLD, labels: labels, reading: read_BLD)
        return (drawn.latents_BLD - target_BLD).square().sum(axis: -1).mean().item
      }
      let (forced, free) = (distance(reading: target_BLD), distance(reading: nil))
      let metrics = Dictionary(uniqueKeysWithValues: try stage.step(0))
      #expect(abs(try #require(metrics["regression"]) - Double(forced)) < 1e-5)
      #expect(abs(forced - free) > 5e-5)
    }
  }
}

@Suite("What stage 2 starts from and reads") struct Stage2SettingsTests {
  private static func stage(
    _ teacher: any DD2Teacher.Teacher, _ change: (inout DistillationConfiguration) -> Void
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
        teacher: teacher, stage1: stage1, warmStart: nil, pairs: pairs(teacher, settings), configuration: settings,
        monitor: monitor), stage1
    )
  }

  private static func pairs(_ teacher: any DD2Teacher.Teacher, _ settings: DistillationConfiguration) -> TokenSource {
    TokenSource {
      TokenPairs.collect(
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
        let metrics = try (0..<20).map { Dictionary(uniqueKeysWithValues: try stage.step($0)) }
        return (try #require(kept), metrics)
      }
      let (settings, strong) = try run(weight: 100)
      let alone = try PairRegression(
        name: "alone", steps: 1, teacher: teacher,
        initial: try StudentFactory(teacher: teacher, head: settings.head, seed: 9).scoreNetwork().parameters
          .stateDict(), pairs: Self.pairs(teacher, settings), configuration: settings, monitor: nil)
      let first = Dictionary(uniqueKeysWithValues: try alone.step(0))
      #expect(strong[0]["cross_entropy"] == first["cross_entropy"])
      let weak = try run(weight: 1e-4).metrics
      #expect(weak[0]["csd"] == strong[0]["csd"])
      let (gained, lost) = (strong.compactMap { $0["cross_entropy"] }, weak.compactMap { $0["cross_entropy"] })
      #expect(gained.count == 20 && gained[16...].reduce(0, +) < 0.8 * lost[16...].reduce(0, +))
      #expect(try run(weight: 0).metrics.allSatisfy { $0["cross_entropy"] == nil })
    }
  }

  @Test(arguments: TinyTeacher.allCases, RandomStart.allCases)
  func onlyTheChosenNetworksStartAnew(_ family: TinyTeacher, _ random: RandomStart) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder).teacher
      let (stage, stage1) = try Self.stage(teacher) { $0.randomStart = random }
      let name = "head.from_hidden.weight"
      let expected = try #require(stage1[name]).elements
      let (generator, score) = (stage.generator.parameters.stateDict(), stage.score.parameters.stateDict())
      #expect((generator[name]?.elements == expected) == (random == .none || random == .score))
      #expect((score[name]?.elements == expected) == (random == .none || random == .generator))
    }
  }

  @Test(arguments: TinyTeacher.allCases)
  func theScoreNetworkReadsSnappedOrContinuousPrefixes(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder).teacher
      let errors = try PrefixForm.allCases.map { form -> Double in
        let (stage, _) = try Self.stage(teacher) { $0.prefixes = form }
        return try #require(Dictionary(uniqueKeysWithValues: try stage.step(0))["fcs"])
      }
      #expect(errors[0] != errors[1] && errors.allSatisfy(\.isFinite))
    }
  }

  @Test func withoutItsOwnNoiseAPositionSeesEarlierOnesAlone() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextToken.load(in: folder).teacher
      let (stage, _) = try Self.stage(teacher) { $0.adaptation.readsOwnNoise = false }
      #expect(!stage.generator.parameters.stateDict().names.contains { $0.hasPrefix("own_noise") })
      _ = try stage.step(0)
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
    settings.generatorHold = 10
    #expect(settings.generatorSchedule.rate(at: 9) == 4)
    #expect(abs(settings.generatorSchedule.rate(at: 39) - 2) < 1e-6)
  }

  @Test func logitNormalTimesLieInTheMiddleOfTheirRange() {
    let random = StepRandom(seed: 4, purpose: "test", step: 2)
    func inMiddleHalf(_ distribution: TimeDistribution) -> Double {
      let times = random.times(4, 25, 100, in: 0.2...0.6, distribution).elements
      #expect(times.allSatisfy { $0 > 0.2 && $0 < 0.6 })
      return Double(times.count { $0 > 0.3 && $0 < 0.5 }) / Double(times.count)
    }
    // P(|z| < log 3) of a standard normal z is 0.728.
    #expect(abs(inMiddleHalf(.logitNormal) - 0.728) < 0.02)
    #expect(abs(inMiddleHalf(.uniform) - 0.5) < 0.02)
  }
}
