import ArgumentParser
import Artifacts
import Datasets
import TeacherModels

/// `dd2 teacher encode`: images to tokens.
struct TeacherEncode: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode", abstract: "Turn images into a teacher's tokens.",
    discussion: """
      Example: dd2 teacher encode shapes32-var --images images/ -o tokens.h5

      Reads PNG and JPEG files in sorted order, cropped to the teacher's image size, a subfolder per class or the class in the name \
      (000012-class3.png), and writes HDF5 with ids (B, L) and labels (B), and which class each folder was.
      """)

  @Argument(help: ArgumentHelp("The teacher file, or the name of a bundled one.", valueName: "name|file"))
  var file: String

  @Option(help: ArgumentHelp("The folder of images.", valueName: "dir"))
  var images: String

  @OptionGroup var classes: ClassOptions
  @OptionGroup var crop: CropOptions

  @Option(name: .shortAndLong, help: ArgumentHelp("The HDF5 file to write.", valueName: "file"))
  var output: String

  func run() throws {
    let loaded = try TeacherOptions.load(file)
    let teacher = loaded.teacher
    try Outputs.check(output, option: "-o", as: .tokens, inputs: [loaded.path])
    let images = try TrainingImages(
      images, classes.rule(), crop.crop, for: loaded.configuration, side: teacher.imageSide,
      known: KnownClasses(of: loaded), recorded: nil)
    let data = images.source
    let interrupts = Interrupts()
    let writer = try HDF5Writer(path: output)
    defer { writer.abandon() }
    images.logNotes()
    let meter = ProgressMeter("encoding", total: data.count, unit: "images")
    defer { meter.close() }
    let tokens = try TokenSet.encode(
      data, batch: teacher.imagesAtOnce,
      progress: { done in
        meter.update(done)
        if interrupts.flag.isRaised { meter.close() }
        try interrupts.check("\(done) of \(data.count) images")
      }, encoder: { try teacher.encode(images_BhwC: $0) })
    try TokenFile.write(tokens, classes: images.record?.classes, to: writer)
    try writer.finish()
    try Console.result("\(output): \(tokens.count) images, \(teacher.layout.count) tokens each")
  }
}
