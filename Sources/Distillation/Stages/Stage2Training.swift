import DD2Generator
import DD2Teacher
import Datasets
import Foundation
import NN
import Sampling
import ScoreNet
import TeacherModels
import TensorCore
import Training

/// Stage 2, conditional score distillation (paper, section 4.3): the score network learns what the generator draws,
/// the generator moves toward where the teacher's score differs from it.
public final class Stage2Training: TrainingStage {
  public let name = "distill"
  public var totalSteps: Int { configuration.steps }
  /// The generator as trained.
  public let generator: OneStepGenerator
  /// The network that learns the generator's distribution.
  public let score: ScoreNetwork
  private let teacher: any Teacher
  private let configuration: DistillationConfiguration
  private let regression: PairObjective?
  private let monitor: DistillationMonitor
  private let generatorTrainer: NetworkTrainer
  private let scoreTrainer: NetworkTrainer
  private let average: ExponentialMovingAverage

  /// A stage at its beginning.
  /// - Parameters:
  ///   - stage1: weights of the stage-1 network: the score network's start and, without a warm start, the generator's.
  ///   - start: weights of a generator to start from instead.
  ///   - pairs: what the regression beside the distillation learns, where the configuration gives it a weight.
  /// - Throws: `StateDictError` where weights do not fit.
  public init(
    teacher: any Teacher, stage1: StateDict, start: StateDict?, pairs: TokenSource,
    configuration: DistillationConfiguration, monitor: DistillationMonitor
  ) throws {
    self.teacher = teacher
    self.configuration = configuration
    self.monitor = monitor
    regression =
      configuration.regressionWeight > 0
      ? PairObjective(teacher: teacher, pairs: pairs, configuration: configuration) : nil
    let factory = StudentFactory(teacher: teacher, configuration)
    // What is loaded whole below is not drawn first.
    generator = try (start == nil ? factory : factory.unset).generator()
    score = try factory.unset.newScoreNetwork()
    try score.parameters.load(stage1)
    if let start {
      try generator.parameters.load(start)
    } else {
      try generator.load(stage1: stage1)
    }
    let optimizer = configuration.stage2Optimizer
    generatorTrainer = NetworkTrainer(generator.parameters, optimizer, configuration.generatorSchedule)
    scoreTrainer = NetworkTrainer(
      score.parameters, optimizer, LearningRateSchedule(peak: configuration.scoreLearningRate, warmUpSteps: 10))
    average = ExponentialMovingAverage(generator.parameters)
  }

  public func prepare() throws { try regression?.prepare() }

  public func step(_ index: Int) throws -> StepMetrics {
    var scores: [ScoreUpdate] = []
    for update in 0..<configuration.scoreUpdateCount(round: index) {
      scores.append(updateScore(index * Self.mostScoreUpdates + update))
    }
    let norm = scores.last.map { [("score_gradient_norm", StepMetrics.Value.number($0.report.norm))] } ?? []
    let loss = scores.last?.metrics ?? StepMetrics([])
    return try updateGenerator(step: index, score: loss) + StepMetrics(norm, updates: scores.map(\.report))
  }

  /// Random draws of a round's score updates are told apart by less than this number, the most that a round may have.
  private static let mostScoreUpdates = 1024

  /// An update of the score network: `fcs`, its loss, and what the optimiser says.
  typealias ScoreUpdate = (metrics: StepMetrics, report: UpdateReport)

  /// One update of the score network on fresh samples.
  func updateScore(_ index: Int) -> ScoreUpdate {
    scoreTrainer.update(configuration.batchPlan) { pass in
      let loss = scoreLoss(random("score", index, pass))
      return (loss, StepMetrics([("fcs", .number(loss))]))
    }
  }

  private func scoreLoss(_ random: StepRandom) -> Tensor {
    let (K, L, D) = (configuration.noiseLevels, generator.layout.count, generator.latentDimension)
    let labels = random.labels(classCount: teacher.classCount)
    let q_BLD = withoutGradient { generator(noise_BLD: random.noise(1, L, D).dropping(axis: 0), labels: labels) }
    let t = random.times(K, L, in: configuration.timeRange)
    let x_t = noised(q_BLD, t: t, noise: random.with(purpose: ".levels").noise(K, L, D))
    let hidden_BLC = score.hiddenStates(ids_BL: teacher.codebook.nearest(q_BLD), labels: labels)
    let prediction = score.denoise(hidden_BLC: hidden_BLC, x_t: x_t, t: t)
    return denoisingLoss(prediction_KBLD: prediction, target: q_BLD)
  }

  /// One update of the generator and its average.
  /// - Parameter score: what the score network's last update told, shown beside the generator's loss.
  func updateGenerator(step index: Int, score: StepMetrics = StepMetrics([])) throws -> StepMetrics {
    let pairs = try regression?.batch(step: index)
    let (metrics, report) = generatorTrainer.update(configuration.batchPlan) { pass in
      let (loss, metrics) = generatorLoss(random("generator", index, pass))
      guard let regression, let pairs else { return (loss, metrics) }
      let beside = regression.value(of: generator, pairs, pass)
      return (loss + beside.loss * configuration.regressionWeight, metrics + beside.metrics)
    } finish: { report in
      average.update(decay: configuration.averagingDecay(afterUpdates: index + 1), after: report)
    }
    return score + metrics + StepMetrics([("generator_gradient_norm", .number(report.norm))], updates: [report])
  }

  private func generatorLoss(_ random: StepRandom) -> (loss: Tensor, metrics: StepMetrics) {
    let (K, L, D) = (configuration.noiseLevels, generator.layout.count, generator.latentDimension)
    let codebook = teacher.codebook
    let labels = random.labels(classCount: teacher.classCount)
    let q_BLD = generator(noise_BLD: random.noise(1, L, D).dropping(axis: 0), labels: labels)
    // The prefix is behind a stop-gradient: teacher and trunk run without a graph, once for all K noise levels.
    let ids_BL = codebook.nearest(q_BLD)
    let logP_BLV = teacher.logProbabilities(ids_BL: ids_BL, labels: labels, guidance: configuration.guidance)
    let hidden_BLC = withoutGradient { score.hiddenStates(ids_BL: ids_BL, labels: labels) }
    let t = random.times(K, L, in: configuration.timeRange)
    // DMD's gradient reaches q_BLD directly and nothing else: a graph behind its scores would only be kept.
    let followsScores = configuration.loss != .dmd
    let x_t = noised(
      followsScores ? q_BLD : q_BLD.stopGradient(), t: t, noise: random.with(purpose: ".levels").noise(K, L, D))
    let real = codebookPosteriorMean(x_t, t: t, logProbabilities: logP_BLV, codebook: codebook.vectors_VD)
    func denoised() -> Tensor { score.denoise(hidden_BLC: hidden_BLC, x_t: x_t, t: t) }
    let fake = followsScores ? denoised() : withoutGradient { denoised() }
    let loss = conditionalScoreDistillationLoss(
      configuration.loss, q_BLD: q_BLD, real_KBLD: real, fake_KBLD: fake, alpha: configuration.alpha)
    let health = DistillationMonitor.health(
      ids_BL: ids_BL, logP_BLV: logP_BLV, q_BLD: q_BLD.stopGradient(), snapped_BLD: codebook.latents(ids_BL),
      real: real.stopGradient(), fake: fake.stopGradient())
    return (loss, health + StepMetrics([("csd", .number(loss))]))
  }

  private func random(_ purpose: String, _ step: Int, _ pass: BatchPass) -> StepRandom {
    StepRandom(seed: configuration.seed, purpose: "distill." + purpose, step: RandomCounter(step), pass: pass)
  }

  public func evaluate(completed: Int) throws -> StageEvaluation {
    try monitor.evaluate(
      raw: generator, averaged: average.current, completed: completed, total: totalSteps)
  }

  /// The averaged generator's weights, which change with the next step: what is sampled from.
  public var averagedState: StateDict { average.current }

  public func state() -> StageState {
    let (generatorMoments, generatorStep) = generatorTrainer.state(prefix: "generator")
    let (scoreMoments, scoreStep) = scoreTrainer.state(prefix: "score")
    return StageState(
      parameters: generator.parameters.current.addingPrefix("generator")
        .merging(score.parameters.current.addingPrefix("score")),
      ema: average.current, optimizer: generatorMoments.merging(scoreMoments),
      progress: ["generator_updates": generatorStep, "score_updates": scoreStep])
  }

  public func restore(_ state: StageState) throws {
    try generator.parameters.load(state.parameters.removingPrefix("generator"))
    try score.parameters.load(state.parameters.removingPrefix("score"))
    try average.load(state.ema)
    try generatorTrainer.restore(
      moments: state.optimizer, prefix: "generator", step: state.counter("generator_updates"))
    try scoreTrainer.restore(moments: state.optimizer, prefix: "score", step: state.counter("score_updates"))
  }
}
