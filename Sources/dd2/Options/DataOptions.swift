import ArgumentParser
import Artifacts
import Datasets
import TeacherModels

/// Which folder of images is which class.
struct ClassOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Which class each folder of images is, where that is not clear: text for the order of their names, numbers where "
        + "folder 7 is class 7, or a file with a line for each, name and number.", valueName: "text|numbers|file"),
    completion: .file())
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

extension CropChoice: ExpressibleByArgument {}

/// How the images of a folder become a model's.
struct CropOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How images become square and of the model's size: var (the middle, as VAR's), adm (as ADM's and LlamaGen's) or none "
        + "(they must be). Default: as the teacher's family, where not all of them are."))
  var crop: CropChoice?
}

/// Where training images come from.
struct DataOptions: ParsableArguments {
  /// What records call the built-in data.
  static let builtIn = Shapes32.name

  @Option(
    help: ArgumentHelp(
      "Images to use instead of \(builtIn): PNG or JPEG files, a subfolder per class.", valueName: "dir"),
    completion: .directory)
  var data: String?

  @OptionGroup var classes: ClassOptions
  @OptionGroup var crop: CropOptions

  @Option(
    help: ArgumentHelp(
      "Tokens to use in place of images: a file of 'dd2 teacher encode'.", valueName: "file"), completion: .file())
  var tokens: String?

  func validate() throws {
    if tokens != nil, data != nil || classes.classes != nil || crop.crop != nil {
      throw ValidationError("--tokens stand for images: leave out --data, --classes and --crop, or --tokens")
    }
    guard (data ?? Self.builtIn) == Self.builtIn else { return }
    if classes.classes != nil {
      throw ValidationError("--classes says which folder of --data is which class; give --data DIR, or leave it out")
    }
    if crop.crop != nil {
      throw ValidationError("--crop says how images of --data are cropped; give --data DIR, or leave it out")
    }
  }

  /// The images that a run of these options reads.
  /// - Parameter name: the run's own, which is --data where that is given.
  /// - Throws: as `TrainingImages`.
  func images(
    _ name: String, for teacher: TeacherConfiguration, known: KnownClasses, recorded: ImageSetRecord?
  ) throws -> TrainingImages {
    try TrainingImages(
      name, classes.rule(), crop.crop, usual: teacher.usualCrop, side: teacher.family.imageSide, known: known,
      recorded: recorded)
  }
}
