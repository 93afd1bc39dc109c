import ArgumentParser
import Datasets

/// Which class to draw.
enum ClassChoice: ExpressibleByArgument, Equatable {
  /// Every class equally often.
  case all
  /// One class.
  case one(Int)

  init?(argument: String) {
    if argument == "all" {
      self = .all
    } else if let label = Int(argument), label >= 0 {
      self = .one(label)
    } else {
      return nil
    }
  }

  var defaultValueDescription: String { description }

  /// As on the command line.
  var description: String {
    switch self {
    case .all: "all"
    case .one(let label): "\(label)"
    }
  }
}

/// What to draw, and where to.
struct SampleOptions: ParsableArguments {
  @Option(
    name: .shortAndLong, help: ArgumentHelp("The folder for the images.", valueName: "dir"), completion: .directory)
  var output: String?

  @Option(parsing: .unconditional, help: "Number of images.")
  var count = 64

  @Option(
    name: .customLong("class"), parsing: .unconditional,
    help: ArgumentHelp("A class number, or all for as many images of each.", valueName: "number|all"))
  var classChoice = ClassChoice.all

  @Option(parsing: .unconditional, help: "Seed: image i depends on seed and i alone.")
  var seed: UInt64 = 0

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Images drawn at once; changes speed and memory, not the images (default: as the model's size allows, 100 at most)."
    ))
  var batch: Int?

  @Flag(help: "Also write grid.png, an overview of the first 100 images.")
  var grid = false

  func validate() throws {
    try Requirement.positive(count, "--count")
    try Requirement.positive(batch, "--batch")
  }

  /// The class of each image. Throws `DatasetError.unknownClass`.
  func labels(classCount: Int) throws -> LabelStream {
    switch classChoice {
    case .all: .balanced(classCount: classCount)
    case .one(let label): try .fixed(label, classCount: classCount)
    }
  }
}
