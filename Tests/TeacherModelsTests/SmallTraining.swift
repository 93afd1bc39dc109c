import Datasets
import TeacherModels
import Training

/// Images of 64 x 64 pixels and three classes: a bar at a height of its class, in a colour of its number.
struct BarImages: ImageSource {
  let count = 13
  let height = 64
  let width = 64
  let classNames = ["low", "middle", "high"]

  func pixels(at index: Int) -> [UInt8] {
    (0..<64).flatMap { y in
      let isBar = y / 16 == index % 3
      return [[UInt8]](repeating: isBar ? [250, UInt8(index * 15), 40] : [20, 60, UInt8(index * 10)], count: 64)
        .flatMap(\.self)
    }
  }
  func label(at index: Int) -> Int32 { Int32(index % 3) }
}

extension TrainingSizes {
  /// Tiny ones of both families for them.
  static let tiny: [TrainingSizes] = [TrainingSizes.nextScale, .nextToken].map { usual in
    var sizes = usual
    sizes.tokens = usual == .nextScale ? .scales([1, 2, 4]) : .grid(4)
    (sizes.side, sizes.codebook, sizes.width, sizes.depth) = (64, 16, 32, 1)
    return sizes
  }
}

extension TeacherTrainingConfiguration {
  /// Three updates of a few images.
  static func tiny(_ sizes: TrainingSizes) -> TeacherTrainingConfiguration {
    var settings = TeacherTrainingConfiguration(
      teacher: sizes.configuration(classCount: 3), tokenizerSteps: 3, transformerSteps: 3, seed: 4)
    (settings.perceptual.batch, settings.tokenizer.batch, settings.transformer.batch) = (4, 2, 4)
    return settings
  }
}
