import Artifacts
import DD2Teacher
import Datasets
import NN
import Processes
import TensorCore
import Training

/// Pictures of what a network in training has learned so far, which the first process of a job draws.
protocol TrainingPictures: AnyObject {
  /// Gets what all pictures share, before the first step of a session.
  func prepare() throws
  /// Images drawn with the averaged weights; the same images each time.
  func draw() throws -> PictureGrid
}

/// A stage that also writes pictures into its run's folder, at intervals and at its end. The training knows nothing of
/// them: its numbers are those of the bare stage.
final class PicturedStage: TrainingStage {
  private let stage: any TrainingStage
  private let pictures: any TrainingPictures
  private let interval: Int

  init(_ stage: any TrainingStage, pictures: any TrainingPictures, interval: Int) {
    (self.stage, self.pictures, self.interval) = (stage, pictures, interval)
  }

  var name: String { stage.name }
  var totalSteps: Int { stage.totalSteps }

  func prepare() throws {
    try stage.prepare()
    try pictures.prepare()
  }

  func step(_ index: Int) throws -> StepMetrics { try stage.step(index) }
  func state() -> StageState { stage.state() }
  func restore(_ state: StageState) throws { try stage.restore(state) }

  func evaluate(completed: Int) throws -> StageEvaluation {
    var evaluation = try stage.evaluate(completed: completed)
    if ProcessGroup.current.isFirst, completed > 0, completed % interval == 0 || completed == totalSteps {
      evaluation.picture = try pictures.draw().image
    }
    return evaluation
  }
}

/// A row of images above the row of what the tokenizer makes of them.
final class ReconstructionPictures<Family: TeacherFamily>: TrainingPictures {
  private let family: Family
  private let data: any ImageSource
  private let averaged: () -> StateDict
  private var originals: [Tensor] = []

  private static var mostColumns: Int { 10 }
  private static var mostRows: Int { 2 }

  /// Pictures of images that lie evenly over all of them.
  /// - Parameter averaged: the tokenizer's averaged weights.
  init(_ family: Family, data: any ImageSource, averaged: @escaping () -> StateDict) {
    (self.family, self.data, self.averaged) = (family, data, averaged)
  }

  func prepare() throws {
    let columns = min(Self.mostColumns, data.count)
    let rows = min(Self.mostRows, data.count / columns)
    let indices = (0..<(columns * rows)).map { $0 * data.count / (columns * rows) }
    originals = try (0..<rows).map { row in
      try data.batch(Array(indices[(row * columns)..<((row + 1) * columns)])).images
    }
  }

  func draw() throws -> PictureGrid {
    let tokenizer = family.makeTokenizer(seed: nil)
    try tokenizer.parameters.load(averaged())
    let blocks = try originals.flatMap { row_BhwC in
      let made = try OutputCheck.step("tokenizer") { check in
        withoutGradient {
          let made = tokenizer.reconstruction(of: row_BhwC)
          check.add(made)
          return made
        }
      }
      return [
        PictureGrid.Block(title: "images", images: rgbImages(row_BhwC)),
        PictureGrid.Block(title: "what the tokenizer makes of them", images: rgbImages(made)),
      ]
    }
    return PictureGrid(columns: originals[0].shape[0], blocks: blocks)
  }
}

/// Samples of each class, as far as there is room.
final class SamplePictures<Family: TeacherFamily>: TrainingPictures {
  private let family: Family
  private let tokenizer: StateDict
  private let averaged: () -> StateDict
  private let seed: UInt64
  private let columns: ClassColumns

  private static var rows: Int { 4 }

  /// Pictures of the classes in turn.
  /// - Parameters:
  ///   - tokenizer: the tokenizer's weights.
  ///   - classNames: one for each class.
  ///   - averaged: the transformer's averaged weights.
  init(
    _ family: Family, tokenizer: StateDict, classNames: [String], seed: UInt64, averaged: @escaping () -> StateDict
  ) {
    (self.family, self.tokenizer, self.seed, self.averaged) = (family, tokenizer, seed, averaged)
    columns = ClassColumns(names: classNames)
  }

  func prepare() {}

  func draw() throws -> PictureGrid {
    let weights = averaged().addingPrefix("transformer").merging(tokenizer.addingPrefix("tokenizer"))
    let teacher = try family.makeTeacher(weights.source)
    let labels = columns.labels(rows: Self.rows)
    let count = labels.count
    let images = try stride(from: 0, to: count, by: teacher.sequencesAtOnce).flatMap { start in
      let indices = Array(start..<min(start + teacher.sequencesAtOnce, count))
      let ids = try teacher.sample(
        labels: IndexTensor(indices.map { labels[$0] }), guidance: Guidance(), seed: seed,
        indices: indices)
      return rgbImages(try teacher.decodeInSlices(ids_BL: ids))
    }
    return PictureGrid(
      columns: columns.classes.count, columnNames: columns.names,
      blocks: [PictureGrid.Block(title: "teacher", images: images)])
  }
}
