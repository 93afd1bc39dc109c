import Artifacts
import DD2Teacher
import Datasets
import NN
import TensorCore
import TestSupport
import Testing
import Training

@testable import TeacherModels

@Suite("Pictures of a training", .serialized) struct TrainingPictureTests {
  /// A line of words in a grid is this high.
  private let line = 15

  /// The images in the rows of a grid at twice their size, below `tops`.
  private func cells(of path: String, side: Int, columns: Int, tops: [Int]) throws -> [[UInt8]] {
    let picture = try RGBImage.read(path)
    let pitch = 2 * side + 2
    #expect(picture.width == columns * pitch - 2 && picture.height == (tops.last ?? 0) + 2 * side)
    return (0..<(tops.count * columns)).map { cell in
      (0..<(side * side)).flatMap { pixel in
        let (x, y) = (cell % columns * pitch + 2 * (pixel % side), tops[cell / columns] + 2 * (pixel / side))
        return picture.pixels[((y * picture.width + x) * 3)...].prefix(3)
      }
    }
  }

  /// Sums run in another order at another batch size: a step of a byte is none.
  private func isNear(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs(Int($0) - Int($1)) <= 1 }
  }

  @Test(arguments: TrainingSizes.tiny) func showWhatTheTeacherDoes(_ sizes: TrainingSizes) throws {
    try withTemporaryFolder { folder in
      let data = BarImages()
      let path = try TeacherPipeline(
        .tiny(sizes), folder: folder, command: "test", interrupt: InterruptFlag(), observer: { _ in }
      ).run(data: data)
      let loaded = try TeacherFile.read(path)
      let teacher = loaded.teacher
      #expect(loaded.configuration == sizes.configuration(classCount: 3) && teacher.imageSide == 64)

      // Ten of thirteen images, evenly; one row of them, and one of what tokens keep.
      let pairs = try cells(
        of: folder + "/tokenizer/snapshots/step-00000003.png", side: 64, columns: 10, tops: [line, 2 * line + 128])
      let indices = [0, 1, 2, 3, 5, 6, 7, 9, 10, 11]
      let originals = indices.map(data.pixels(at:))
      #expect(pairs.count == 20 && Array(pairs.prefix(10)) == originals)
      let kept = try teacher.decode(ids_BL: teacher.encode(images_BhwC: data.batch(indices).images))
      for (shown, image) in zip(pairs.suffix(10), pixelBytes(of: kept)) { #expect(isNear(shown, image)) }

      // Three columns for each of three classes.
      let samples = try cells(
        of: folder + "/transformer/snapshots/step-00000003.png", side: 64, columns: 9,
        tops: (0..<4).map { 2 * line + $0 * 130 })
      #expect(samples.count == 36)
      let ids = try teacher.sample(
        labels: IndexTensor((0..<36).map { Int32($0 % 3) }), guidance: Guidance(), seed: 4, indices: Array(0..<36))
      for (shown, image) in zip(samples, pixelBytes(of: try teacher.decodeInSlices(ids_BL: ids))) {
        #expect(isNear(shown, image))
      }
    }
  }

  @Test(arguments: TrainingSizes.tiny) func changeNoNumber(_ sizes: TrainingSizes) throws {
    func check<Family: TeacherFamily>(_ family: Family) throws {
      let settings = TeacherTrainingConfiguration.tiny(sizes)
      let data = BarImages()
      let tokenizer = family.makeTokenizer(seed: 1)
      let weights = tokenizer.parameters.stateDict()
      let tokens = try TokenSet.encode(data, batch: 13) { try tokenizer.encode(images_BhwC: $0) }
      func tokenizers() -> TokenizerTraining {
        TokenizerTraining(
          family.makeTokenizer(seed: 1), perceptual: PerceptualNetwork(classCount: 3, seed: 2),
          weights: settings.lossWeights, data: data, settings: settings.tokenizer, seed: 3)
      }
      func transformers() -> TransformerTraining {
        TransformerTraining(
          family.makeTransformer(over: tokenizer, seed: 1), tokens: TokenSource { tokens },
          settings: settings.transformer, seed: 3)
      }
      let (first, second) = (tokenizers(), transformers())
      try expectEqual(tokenizers(), ReconstructionPictures(family, data: data) { first.averagedState }, first)
      try expectEqual(
        transformers(),
        SamplePictures(family, tokenizer: weights, classNames: ["", "", ""], seed: 3) { second.averagedState }, second)
    }
    try check(sizes.configuration(classCount: 3).family)
  }

  /// The same metrics and state with a picture after every second step as without any.
  private func expectEqual(
    _ bare: any TrainingStage, _ pictures: any TrainingPictures, _ inner: any TrainingStage
  ) throws {
    let stage = PicturedStage(inner, pictures: pictures, interval: 2)
    try stage.prepare()
    for index in 0..<3 {
      let (a, b) = (try stage.step(index).read(step: index), try bare.step(index).read(step: index))
      #expect(a.map(\.0) == b.map(\.0) && a.map(\.1) == b.map(\.1))
      let evaluation = try stage.evaluate(completed: index + 1)
      // At the interval, and at the end.
      #expect(evaluation.scores.isEmpty && (evaluation.picture != nil) == (index > 0))
    }
    let (a, b) = (stage.state(), bare.state())
    for (x, y) in [(a.parameters, b.parameters), (a.ema, b.ema), (a.optimizer, b.optimizer)] {
      #expect(x.names == y.names && x.names.allSatisfy { x[$0]?.elements == y[$0]?.elements })
    }
  }
}
