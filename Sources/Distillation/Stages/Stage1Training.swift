import DD2Generator
import DD2Teacher
import Datasets
import NN
import Sampling
import ScoreNet
import TeacherModels
import TensorCore
import Training

/// Stage 1, AR-diffusion initialisation (paper, section 4.1): the teacher's trunk with a denoising head learns the
/// teacher's closed-form posterior mean. Both networks of stage 2 start from it.
public final class Stage1Training: TrainingStage {
  public let name = "stage1"
  public var totalSteps: Int { configuration.stage1Steps }
  /// The network being trained.
  public let network: ScoreNetwork
  private let teacher: any Teacher
  private let tokens: TokenSource
  private let configuration: DistillationConfiguration
  private let trainer: NetworkTrainer

  /// Times reach 1, where the generator will use the head.
  private static let timeRange: ClosedRange<Float> = 0.02...1

  /// A stage at its beginning.
  /// - Throws: `StateDictError` where the teacher's parts do not fit each other.
  public init(teacher: any Teacher, tokens: TokenSource, configuration: DistillationConfiguration) throws {
    self.teacher = teacher
    self.tokens = tokens
    self.configuration = configuration
    network = try StudentFactory(teacher: teacher, configuration)
      .scoreNetwork()
    let settings = TrainingSettings(
      steps: configuration.stage1Steps, batch: configuration.batch,
      learningRate: configuration.stage1LearningRate, optimizer: AdamWConfiguration(beta2: 0.99), warmUpSteps: 20)
    trainer = NetworkTrainer(network.parameters, settings.optimizer, settings.schedule)
  }

  public func step(_ index: Int) throws -> StepMetrics {
    let batch = try tokens.batch(
      step: index, size: configuration.batch, seed: configuration.seed &+ 1
    ).tokens
    let (metrics, report) = trainer.update(configuration.batchPlan) { pass in
      let (ids_BL, labels) = batch.batch(perReplica: pass.rows)
      return loss(RandomCounter(index), pass, ids_BL: ids_BL, labels: labels)
    }
    return metrics + StepMetrics([("gradient_norm", .number(report.norm))], updates: [report])
  }

  private func loss(
    _ step: RandomCounter, _ pass: BatchPass, ids_BL: IndexTensor, labels: IndexTensor
  ) -> (loss: Tensor, metrics: StepMetrics) {
    let (K, L) = (configuration.noiseLevels, ids_BL.shape[1])
    let codebook = teacher.codebook
    let random = StepRandom(seed: configuration.seed, purpose: "stage1", step: step, pass: pass)
    let q_BLD = codebook.latents(ids_BL)
    let t = random.times(K, L, in: Self.timeRange)
    let noise = random.noise(K, L, codebook.dimension)
    let x_t = noised(q_BLD, t: t, noise: noise)
    let logP_BLV = teacher.logProbabilities(ids_BL: ids_BL, labels: labels, guidance: configuration.guidance)
    let target = withoutGradient {
      codebookPosteriorMean(x_t, t: t, logProbabilities: logP_BLV, codebook: codebook.vectors_VD)
    }
    let hidden_BLC = network.hiddenStates(ids_BL: ids_BL, labels: labels)
    let prediction = network.denoise(hidden_BLC: hidden_BLC, x_t: x_t, t: t)
    let loss = denoisingLoss(prediction_KBLD: prediction, target: target)
    let floor = floor(
      q_BLD, logP_BLV: logP_BLV,
      StepRandom(seed: configuration.seed, purpose: "stage1.floor", step: step, pass: pass))
    return (loss, StepMetrics([("gts", .number(loss)), ("fcs_floor", .number(floor))]))
  }

  /// The teacher's own error on real tokens at stage 2's times, a scalar: what FCS comes down to there when the
  /// distributions are equal and the teacher is unguided.
  private func floor(_ q_BLD: Tensor, logP_BLV: Tensor, _ random: StepRandom) -> Tensor {
    let (K, (_, L, D)) = (configuration.noiseLevels, q_BLD.dims3)
    let t = random.times(K, L, in: configuration.timeRange)
    let x_t = noised(q_BLD, t: t, noise: random.noise(K, L, D))
    return withoutGradient {
      let mean = codebookPosteriorMean(x_t, t: t, logProbabilities: logP_BLV, codebook: teacher.codebook.vectors_VD)
      return denoisingLoss(prediction_KBLD: mean, target: q_BLD)
    }
  }

  public func state() -> StageState { state(of: trainer) }
  public func restore(_ state: StageState) throws { try restore(state, into: trainer) }
}
