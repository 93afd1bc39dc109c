import Backbone
import DD2Teacher
import NN
import Sampling
import ScoreNet
import TeacherModels
import TensorCore
import TestModels
import TestSupport
import Testing
import Training

@testable import Distillation

/// The configured guidance reaches every place where the teacher's distribution is learned.
@Suite("Guidance in training") struct GuidanceInTrainingTests {
  private static func settings(_ family: TinyTeacher) -> DistillationConfiguration {
    var settings = tinySettings(steps: 1)
    settings.noiseLevels = 2
    settings.guidance = family.guidance
    settings.pairs = 6
    settings.pairIntegrationSteps = 4
    return settings
  }

  /// Sequences of tokens at random.
  private static func tokens(_ teacher: any Teacher, count: Int) -> TokenSet {
    var stream = RandomStream(seed: 4, purpose: "test.ids")
    let ids = (0..<(count * teacher.layout.count)).map { _ in Int32(stream.integer(below: teacher.codebook.count)) }
    return TokenSet(
      ids: IndexArray(ids, [count, teacher.layout.count]), labels: (0..<count).map { Int32($0 * 3 % 10) })
  }

  /// Every token of a pair is where the flow carries its noise under the guided distribution that its prefix has.
  @Test(arguments: TinyTeacher.allCases) func pairsFollowTheGuidedFlow(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let file = try family.load(in: folder, sharpness: 200)
      let teacher = file.teacher
      let settings = Self.settings(family)
      func pairs(_ settings: DistillationConfiguration, _ name: String) throws -> TokenSet {
        try TokenCollection.pairs(of: file, chain: nil, settings).sequences(
          TokenCollection.Session(
            teacher: teacher, run: try OpenRun(folder + "/" + name, settings: settings, command: "test"),
            interrupt: InterruptFlag(), time: TrainingTime(), observer: { _ in }))
      }
      let found = try pairs(settings, "guided")
      let logP_BLV = teacher.logProbabilities(
        ids_BL: IndexTensor(found.ids), labels: IndexTensor(found.labels), guidance: settings.guidance)
      let ends = TokenPairs.integrate(
        TokenPairs.noise(teacher: teacher, indices: Array(0..<settings.pairs), seed: settings.seed),
        logProbabilities: logP_BLV, codebook_VD: teacher.codebook.vectors_VD, steps: settings.pairIntegrationSteps)
      #expect(teacher.codebook.nearest(ends).array == found.ids)
      var unguided = settings
      unguided.guidance = Guidance()
      #expect(try pairs(unguided, "unguided").ids != found.ids)
    }
  }

  @Test(arguments: TinyTeacher.allCases) func stage1LearnsTheGuidedPosterior(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder, sharpness: 200).teacher
      let settings = Self.settings(family)
      let source = TokenSource { Self.tokens(teacher, count: 9) }
      let (ids, labels) = try source.batch(step: 0, size: settings.batch, seed: settings.seed &+ 1).tokens.batch(
        Array(0..<settings.batch))
      let q_BLD = teacher.codebook.latents(ids)
      func drawn(_ purpose: String, _ times: ClosedRange<Float>) -> DrawnStep {
        DrawnStep(
          StepRandom(
            seed: settings.seed, purpose: purpose, step: RandomCounter(0), pass: settings.batchPlan.passes[0]),
          q_BLD: q_BLD, K: settings.noiseLevels, times: times)
      }
      func posterior(_ step: DrawnStep, _ guidance: Guidance) -> [Double] {
        step.posterior(teacher.logProbabilities(ids_BL: ids, labels: labels, guidance: guidance), teacher.codebook)
      }
      let stage = try Stage1Training(teacher: teacher, tokens: source, configuration: settings)
      let metrics = Dictionary(uniqueKeysWithValues: try stage.step(0).read(step: 0))
      // The floor is that of stage 2's times.
      let later = drawn("stage1.floor", settings.timeRange)
      func floor(_ guidance: Guidance) -> Double {
        DoubleReference.denoisingLoss(posterior(later, guidance), target: later.q, D: later.D)
      }
      let (guided, unguided) = (floor(settings.guidance), floor(Guidance()))
      #expect(abs(try #require(metrics["fcs_floor"]) - guided) < 5e-5 * guided)
      #expect(abs(unguided - guided) > 5e-4 * guided)
      // The network begins as the teacher without guidance: its loss is the distance of the two.
      let step = drawn("stage1", 0.02...1)
      let distance = DoubleReference.denoisingLoss(
        posterior(step, Guidance()), target: posterior(step, settings.guidance), D: step.D)
      #expect(abs(try #require(metrics["gts"]) - distance) < 1e-3 * distance)
    }
  }

  /// The generator's update, whole: its loss and signs of health under the guided distribution, in Double.
  @Test(arguments: TinyTeacher.allCases) func stage2FollowsTheGuidedScore(_ family: TinyTeacher) throws {
    try withTemporaryFolder { folder in
      let teacher = try family.load(in: folder, sharpness: 200).teacher
      let settings = Self.settings(family)
      let stage1 = try StudentFactory(teacher: teacher, settings).scoreNetwork().parameters.stateDict()
      let stage = try Stage2Training(
        teacher: teacher, stage1: stage1, start: nil, pairs: TokenSource { Self.tokens(teacher, count: 1) },
        configuration: settings, monitor: DistillationMonitor(teacher: teacher, scorer: nil, configuration: settings))
      let random = StepRandom(
        seed: settings.seed, purpose: "distill.generator", step: RandomCounter(0), pass: settings.batchPlan.passes[0])
      let (B, L, V) = (settings.batch, teacher.layout.count, teacher.codebook.count)
      let labels = random.labels(classCount: teacher.classCount)
      let q_BLD = stage.generator(
        noise_BLD: random.noise(1, L, teacher.codebook.dimension).dropping(axis: 0), labels: labels
      ).stopGradient()
      let ids = teacher.codebook.nearest(q_BLD)
      let step = DrawnStep(
        random, q_BLD: q_BLD, K: settings.noiseLevels, times: settings.timeRange, noisePurpose: ".levels")
      let metrics = Dictionary(uniqueKeysWithValues: try stage.step(0).read(step: 0))
      // The score network is as the generator's update saw it: its own updates come first.
      let fake = stage.score.denoise(
        hidden_BLC: stage.score.hiddenStates(ids_BL: ids, labels: labels),
        x_t: step.x_t_KBLD, t: step.t_KBL
      ).elements.map(Double.init)
      func expected(_ guidance: Guidance) -> [String: Double] {
        let logP_BLV = teacher.logProbabilities(ids_BL: ids, labels: labels, guidance: guidance)
        let (logP, real) = (logP_BLV.elements.map(Double.init), step.posterior(logP_BLV, teacher.codebook))
        let LD = L * step.D
        let nll = -ids.values.enumerated().reduce(0) { $0 + logP[$1.offset * V + Int($1.element)] } / Double(B * L)
        let loss = DoubleReference.sidLoss(
          q: step.q, real: real, fake: fake,
          weights: DoubleReference.distillationWeights(q: step.q, real: real, LD: LD),
          alpha: Double(settings.alpha), LD: LD, D: step.D)
        let difference = zip(real, fake).reduce(0) { $0 + abs($1.0 - $1.1) } / Double(real.count)
        return ["teacher_nll": nll, "csd": loss, "score_difference": difference]
      }
      let (guided, unguided) = (expected(settings.guidance), expected(Guidance()))
      for (name, value) in guided {
        let found = try #require(metrics[name])
        #expect(abs(found - value) < 1e-3 * abs(value) + 1e-6, "\(name)")
        #expect(abs(found - (unguided[name] ?? value)) > 1e-2 * abs(value), "\(name) is the same without guidance")
      }
    }
  }
}

/// The noised tokens of a training step, as the step draws them and in Double.
struct DrawnStep {
  let D: Int
  let t_KBL: Tensor
  let x_t_KBLD: Tensor
  let q: [Double]
  private let t: [Double]
  private let x_t: [Double]

  /// - Parameter noisePurpose: what the step adds to its own purpose for the noise.
  init(
    _ random: StepRandom, q_BLD: Tensor, K: Int, times: ClosedRange<Float>, noisePurpose: String = ""
  ) {
    let (B, L, D) = q_BLD.dims3
    self.D = D
    t_KBL = random.times(K, L, in: times)
    let noise = random.with(purpose: noisePurpose).noise(K, L, D)
    (q, t) = (q_BLD.elements.map(Double.init), t_KBL.elements.map(Double.init))
    x_t = DoubleReference.noised(q, t: t, noise: noise.elements.map(Double.init), D: D)
    x_t_KBLD = Tensor(x_t.map(Float.init), [K, B, L, D])
  }

  /// The codebook posterior's means (K, B, L, D).
  func posterior(_ logP_BLV: Tensor, _ codebook: Codebook) -> [Double] {
    DoubleReference.codebookPosteriorMean(
      x_t, t: t, logP: logP_BLV.elements.map(Double.init),
      codebook: codebook.vectors_VD.elements.map(Double.init), V: codebook.count, D: D)
  }
}
