import ArgumentParser
import Artifacts
import Datasets
import Foundation

/// Commands about the built-in data.
struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "The built-in data set shapes32.", subcommands: [DataRender.self])
}

/// `dd2 data render`: images of shapes32 as PNG files.
struct DataRender: ParsableCommand {
  /// The parts of shapes32, as on the command line.
  enum Part: String, CaseIterable, ExpressibleByArgument {
    case train
    case reference
    case heldOut = "held-out"

    /// The part of the data set.
    var split: Shapes32.Split {
      switch self {
      case .train: .train
      case .reference: .reference
      case .heldOut: .heldOut
      }
    }
  }

  static let configuration = CommandConfiguration(
    commandName: "render", abstract: "Write images of shapes32 as PNG files.",
    discussion: """
      Example: dd2 data render -o images/ --count 100

      File names carry index, class name and class number: 000003-frame-class3.png.
      """)

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The folder for the images.", valueName: "dir"), completion: .directory)
  var output: String

  @Option(parsing: .unconditional, help: "Number of images, from the first of the split.")
  var count: Int

  @Option(help: "Which part of the set.")
  var split = Part.train

  @Option(parsing: .unconditional, help: "Seed of the whole set; the bundled models are trained on 0.")
  var seed: UInt64 = 0

  @Flag(help: "Also write grid.png, an overview of the first 100 images.")
  var grid = false

  /// Images painted at once, by all threads.
  private static let batch = 100

  func validate() throws {
    try Requirement.positive(count, "--count")
    guard count <= split.split.count else {
      throw ValidationError(
        "--count is \(count); the split \(split.rawValue) has \(split.split.count) images")
    }
  }

  func run() throws {
    let data = Shapes32(split.split, seed: seed)
    let names = (0..<count).map { index in
      let label = Int(data.label(at: index))
      return String(format: "%06d-%@-class%d.png", index, data.classNames[label] as NSString, label)
    }
    var folder = try ImageOutput(output, grid: grid)
    let own = Set(names)
    try folder.requireNoOthers { own.contains($0) }
    let interrupts = Interrupts()
    let meter = ProgressMeter("rendering", total: count, unit: "images")
    for start in stride(from: 0, to: count, by: Self.batch) {
      let range = start..<min(start + Self.batch, count)
      let images = rgbImages(try data.batch(Array(range)).images)
      for (index, image) in zip(range, images) { try folder.write(image, named: names[index]) }
      folder.show(images, from: start)
      meter.update(range.upperBound)
      if interrupts.flag.isRaised { meter.close() }
      try interrupts.check("\(range.upperBound) of \(count) images")
    }
    try folder.writeGrid(title: Shapes32.name, label: data.label(at:), names: data.classNames)
    try Console.result("\(output): \(count) images of shapes32 \(split.rawValue), seed \(seed)")
  }
}
