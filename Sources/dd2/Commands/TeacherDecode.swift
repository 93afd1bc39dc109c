import ArgumentParser
import Artifacts
import Datasets
import Foundation
import TeacherModels
import TensorCore

/// `dd2 teacher decode`: tokens to images.
struct TeacherDecode: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode", abstract: "Turn a teacher's tokens into images.",
    discussion: """
      Example: dd2 teacher decode shapes32-var --tokens tokens.h5 -o decoded/

      Writes 000012.png and so on, or 000012-class3.png where the file has labels.
      """)

  @Argument(
    help: ArgumentHelp("The teacher file, or the name of a bundled one.", valueName: "name|file"), completion: .file())
  var file: String

  @Option(help: ArgumentHelp("HDF5 with ids (B, L), and labels (B) if wanted.", valueName: "file"), completion: .file())
  var tokens: String

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The folder for the images.", valueName: "dir"), completion: .directory)
  var output: String

  @Option(
    help: ArgumentHelp("Also write images (B, 3, H, W), floats in [-1, 1], to this HDF5 file.", valueName: "file"),
    completion: .file())
  var raw: String?

  private static let imagesName = "images"

  @OptionGroup var computing: DeviceOptions

  func run() throws {
    let loaded = try TeacherOptions.load(file)
    let teacher = loaded.teacher
    try Outputs.check(raw, option: "--raw", as: .images, inputs: [loaded.path, tokens])
    let (ids, labels) = try TokenFile.readIDs(tokens, for: teacher)
    let set = TokenSet(ids: ids, labels: labels ?? [Int32](repeating: 0, count: ids.shape[0]))
    let names = (0..<set.count).map { index in
      String(format: "%06d", index) + (labels.map { "-class\($0[index])" } ?? "") + ".png"
    }
    let folder = try ImageOutput(output, grid: false)
    let own = Set(names)
    try folder.requireNoOthers { own.contains($0) }
    let interrupts = Interrupts()
    let writer = try raw.map { try HDF5Writer(path: $0) }
    defer { writer?.abandon() }
    try writer?.createDataset(Self.imagesName, shape: [set.count, 3, teacher.imageSide, teacher.imageSide])
    let meter = ProgressMeter("decoding", total: set.count, unit: "images")
    defer { meter.close() }
    for start in stride(from: 0, to: set.count, by: teacher.imagesAtOnce) {
      let rows = start..<min(start + teacher.imagesAtOnce, set.count)
      let images_BhwC = try teacher.decode(ids_BL: set.batch(Array(rows)).ids)
      try writer?.write(images_BhwC.permuted([0, 3, 1, 2]).elements, rows: rows, of: Self.imagesName)
      for (index, image) in zip(rows, rgbImages(images_BhwC)) { try folder.write(image, named: names[index]) }
      meter.update(rows.upperBound)
      if interrupts.flag.isRaised { meter.close() }
      try interrupts.check("\(rows.upperBound) of \(set.count) images")
    }
    try writer?.finish()
    try Console.result("\(output): \(set.count) images of \(teacher.imageSide) x \(teacher.imageSide)")
  }
}
