import Artifacts
import DD2Generator
import DD2Teacher
import Datasets
import FIDEval
import Foundation
import NN
import Processes
import Sampling
import TeacherModels
import TensorCore
import Training

/// Watches the training of a generator: cheap signs at every step of stage 2, picture grids and FID at intervals.
public struct DistillationMonitor {
  /// Keeps a generator that scored better than those before: its averaged weights, the step and its FID.
  public typealias BestKeeper = (_ averaged: StateDict, _ step: Int, _ fid: Double) throws -> Void

  /// Called with the images scored and all that a score takes; throws to stop.
  public typealias Progress = (_ done: Int, _ total: Int) throws -> Void

  private let teacher: any Teacher
  private let columns: ClassColumns
  private let scorer: FIDScorer?
  private let configuration: DistillationConfiguration
  private let keepBest: BestKeeper
  private let progress: Progress
  private let teacherRows: TeacherRows

  /// Rows of the generator in a grid, and as many of the teacher.
  private static let rows = 4

  /// A monitor.
  /// - Parameters:
  ///   - classNames: one for each class of the teacher, empty where it has none; nil for none at all.
  ///   - scorer: measures FID; nil where there is nothing to measure against.
  ///   - progress: see `Progress`.
  ///   - keepBest: called with every averaged generator that was scored.
  public init(
    teacher: any Teacher, classNames: [String]? = nil, scorer: FIDScorer?, configuration: DistillationConfiguration,
    progress: @escaping Progress = { _, _ in }, keepBest: @escaping BestKeeper = { _, _, _ in }
  ) {
    self.keepBest = keepBest
    self.progress = progress
    self.teacher = teacher
    columns = ClassColumns(names: classNames ?? [String](repeating: "", count: teacher.classCount))
    teacherRows = TeacherRows(TeacherSampler(teacher: teacher, guidance: configuration.guidance))
    self.scorer = scorer
    self.configuration = configuration
  }

  /// Signs of health from one generator update.
  /// - Returns: mean |f_r - f_f|; the teacher's negative log-likelihood of the generated tokens that it may draw and its
  ///   own entropy on them (nats per token; equal when the distributions are); the share of tokens that top-k or top-p
  ///   keeps it from drawing, where there are any; the unigram entropy of the batch's tokens; the mean distance of an
  ///   output to its nearest code.
  static func health(
    ids_BL: IndexTensor, logP_BLV: Tensor, q_BLD: Tensor, snapped_BLD: Tensor, real: Tensor, fake: Tensor
  ) -> StepMetrics {
    withoutGradient {
      let entropy = -(logP_BLV.exp() * logP_BLV).sum() / Float(ids_BL.count)
      let distance = (q_BLD - snapped_BLD).square().sum(axis: -1).sqrt().mean()
      return StepMetrics([("score_difference", .number((real - fake).abs().mean()))])
        + likelihood(crossEntropy(logP_BLV, targets: ids_BL))
        + StepMetrics([
          ("teacher_entropy", .number(entropy)),
          ("token_entropy", .entropy(counts: ids_BL.histogram(logP_BLV.shape.last))),
          ("code_distance", .number(distance)),
        ])
    }
  }

  /// The mean negative log-likelihood of the tokens within the teacher's support, and the share of the others.
  private static func likelihood(_ nll_BL: Tensor) -> StepMetrics {
    let limit = Tensor(repeating: -Guidance.removedLogProbability / 2, nll_BL.shape)
    let isPossible_BL = nll_BL.isLess(than: limit)
    let possible_BL = Tensor.zeros(nll_BL.shape).replaced(by: nll_BL, where: isPossible_BL)
    return StepMetrics([
      ("teacher_nll", .mean(sum: possible_BL.sum(), count: isPossible_BL.sum())),
      ("outside_support", .part((1 - isPossible_BL).mean())),
    ])
  }

  /// A picture and scores where the run's intervals want them, also after the last update; scores also before the first.
  /// - Returns: as scores `fid` of the averaged generator and `fid_raw` of the one being trained, before the first update
  ///   `teacher_fid` of as many images of the teacher; or nothing.
  func evaluate(
    raw: OneStepGenerator, averaged: StateDict, completed: Int, total: Int
  ) throws -> StageEvaluation {
    let isLast = completed == total
    func isDue(every interval: Int) -> Bool { interval > 0 && (completed % interval == 0 || isLast) }
    let wantsSnapshot = completed > 0 && isDue(every: configuration.snapshotInterval)
    let wantsScore = scorer != nil && isDue(every: configuration.evaluationInterval)
    guard wantsSnapshot || wantsScore else { return StageEvaluation() }
    let generator = try StudentFactory(teacher: teacher, configuration).unset.generator()
    try generator.parameters.load(averaged)
    let sampler = GeneratorSampler(generator: generator, teacher: teacher)
    var evaluation = StageEvaluation()
    if wantsSnapshot, ProcessGroup.current.isFirst {
      evaluation.picture = try picture(sampler, title: "generator, step \(completed)")
    }
    guard wantsScore, let fid = try score(sampler) else { return evaluation }
    if ProcessGroup.current.isFirst { try keepBest(averaged, completed, fid) }
    evaluation.scores = [("fid", fid)]
    // Before the first update averaged and trained weights are one.
    if completed > 0 {
      let raw = GeneratorSampler(generator: raw, teacher: teacher)
      evaluation.scores += try score(raw).map { [("fid_raw", $0)] } ?? []
    } else {
      let sampler = TeacherSampler(teacher: teacher, guidance: configuration.guidance)
      evaluation.scores += try score(sampler).map { [("teacher_fid", $0)] } ?? []
    }
    return evaluation
  }

  /// A grid: the generator on fixed noise above, the teacher's samples of the same classes below.
  private func picture(_ sampler: GeneratorSampler, title: String) throws -> RGBImage {
    let labels = columns.labels(rows: Self.rows)
    let drawn = try sampler.images(labels: labels, seed: configuration.seed, indices: Array(labels.indices))
    let reference = try teacherRows.images(labels: labels, seed: configuration.seed)
    return PictureGrid(
      columns: columns.classes.count, columnNames: columns.names,
      blocks: [
        PictureGrid.Block(title: title, images: rgbImages(drawn)),
        PictureGrid.Block(title: "teacher", images: rgbImages(reference)),
      ]
    ).image
  }

  /// FID of images of fixed random numbers; nil without a scorer.
  private func score(_ sampler: some ImageSampler) throws -> Double? {
    guard let scorer else { return nil }
    let labels = LabelStream.balanced(classCount: teacher.classCount)
    let count = configuration.evaluationCount
    return try scorer.fid(count: count, progress: { try progress($0, count) }) { range in
      try sampler.imagesInSlices(labels: labels.labels(range), seed: configuration.seed, indices: Array(range))
    }
  }
}

/// The teacher's half of the picture grids: drawn once, as it stays the same.
private final class TeacherRows {
  private let sampler: TeacherSampler
  private var drawn: Tensor?

  init(_ sampler: TeacherSampler) { self.sampler = sampler }

  /// Images (B, h, w, 3) in [-1, 1], one per label.
  func images(labels: [Int32], seed: UInt64) throws -> Tensor {
    if let drawn { return drawn }
    let images = try sampler.imagesInSlices(labels: labels, seed: seed, indices: Array(labels.indices))
    drawn = images
    return images
  }
}
