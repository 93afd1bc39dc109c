import ArgumentParser
import Datasets

/// Where training images come from.
struct DataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Images to use instead of shapes32: PNG files of one size, a subfolder per class.", valueName: "dir"))
  var data: String?

  /// The name of the data in records.
  var name: String { data ?? "shapes32" }

  /// The images.
  /// - Throws: `DatasetError` for a folder without readable images; `CommandFailure` for images of another size than
  ///   `side` x `side`, or of more than `classLimit` classes.
  func source(side: Int, classLimit: Int = .max) throws -> any ImageSource {
    let images: any ImageSource = if let data { try ImageFolder(data) } else { Shapes32(.train) }
    guard images.height == side, images.width == side else {
      throw CommandFailure(
        .badData,
        "\(name): images are \(images.width) x \(images.height) pixels where the model's are \(side) x \(side); "
          + "resize them")
    }
    guard images.classNames.count <= classLimit else {
      throw CommandFailure(
        .badData,
        "\(name): has \(images.classNames.count) classes where the model knows \(classLimit); give a folder that fits")
    }
    return images
  }
}
