import ArgumentParser
import Datasets

/// Where training images come from.
struct DataOptions: ParsableArguments {
  /// What records call the built-in data.
  static let builtIn = "shapes32"

  @Option(
    help: ArgumentHelp(
      "Images to use instead of \(builtIn): PNG files of one size, a subfolder per class.", valueName: "dir"))
  var data: String?

  /// The images of a folder, or the built-in ones.
  /// - Throws: `DatasetError` for a folder without readable images; `CommandFailure` for images of another size than
  ///   `side` x `side`, or of more than `classLimit` classes.
  static func source(_ name: String, side: Int, classLimit: Int = .max) throws -> any ImageSource {
    let images: any ImageSource = if name == builtIn { Shapes32(.train) } else { try ImageFolder(name) }
    guard images.height == side, images.width == side else {
      throw CommandFailure(
        .badData,
        "\(name): images are \(images.width) x \(images.height) pixels where the model's are \(side) x \(side); "
          + (name == builtIn ? "give images of its size with --data" : "resize them"))
    }
    guard images.classNames.count <= classLimit else {
      throw CommandFailure(
        .badData,
        "\(name): has \(images.classNames.count) classes where the model knows \(classLimit); give a folder that fits"
      )
    }
    return images
  }
}
