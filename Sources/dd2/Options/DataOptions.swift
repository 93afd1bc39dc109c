import ArgumentParser
import Artifacts
import Datasets

/// Which folder of images is which class.
struct ClassOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Which class each folder of images is, where that is not clear: text for the order of their names, numbers where "
        + "folder 7 is class 7, or a file with a line for each, name and number.", valueName: "text|numbers|file"))
  var classes: String?

  /// The rule; nil where none is given.
  /// - Throws: `ArtifactError` for a file that is no list of classes.
  func rule() throws -> ClassRule? { try Self.rule(classes) }

  /// The rule that a text stands for.
  /// - Throws: as `rule()`.
  static func rule(_ classes: String?) throws -> ClassRule? {
    switch classes {
    case nil: nil
    case "text"?: .text
    case "numbers"?: .numbers
    case let path?: try .list(reading: path)
    }
  }
}

/// Where training images come from.
struct DataOptions: ParsableArguments {
  /// What records call the built-in data.
  static let builtIn = "shapes32"

  @Option(
    help: ArgumentHelp(
      "Images to use instead of \(builtIn): PNG files of one size, a subfolder per class.", valueName: "dir"))
  var data: String?

  @OptionGroup var classes: ClassOptions

  @Option(
    help: ArgumentHelp(
      "Tokens to use in place of images: a file of 'dd2 teacher encode'.", valueName: "file"))
  var tokens: String?

  func validate() throws {
    if tokens != nil, data != nil || classes.classes != nil {
      throw ValidationError("--tokens stand for images: leave out --data and --classes, or --tokens")
    }
    guard classes.classes != nil, (data ?? Self.builtIn) == Self.builtIn else { return }
    throw ValidationError("--classes says which folder of --data is which class; give --data DIR, or leave it out")
  }

  /// The images that a run of these options reads.
  /// - Parameter name: the run's own, which is --data where that is given.
  /// - Throws: as `TrainingImages`.
  func images(_ name: String, side: Int, known: KnownClasses, recorded: ImageSetRecord?) throws -> TrainingImages {
    try TrainingImages(name, classes.rule(), side: side, known: known, recorded: recorded)
  }
}
