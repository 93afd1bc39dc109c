import ArgumentParser
import Artifacts
import Distillation

/// `dd2 teacher encode`: images to tokens.
struct TeacherEncode: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode", abstract: "Turn images into a teacher's tokens.",
    discussion: """
      Reads PNG files of the teacher's image size in sorted order, a subfolder per class or the class in the name \
      (000012-class3.png), and writes HDF5 with ids (B, L) and labels (B).
      """)

  @Argument(help: ArgumentHelp("The teacher file, or the name of a bundled one.", valueName: "name|file"))
  var file: String

  @Option(help: ArgumentHelp("The folder of images.", valueName: "dir"))
  var images: String

  @Option(name: .shortAndLong, help: ArgumentHelp("The HDF5 file to write.", valueName: "file"))
  var output: String

  func run() throws {
    let loaded = try TeacherOptions.load(file)
    let teacher = loaded.teacher
    try Outputs.requireOther(than: [loaded.path], output, option: "-o")
    let data = try DataOptions.source(images, side: teacher.imageSide, classLimit: teacher.classCount)
    let interrupts = Interrupts()
    let writer = try HDF5Writer(path: output)
    defer { writer.abandon() }
    let meter = ProgressMeter("encoding", total: data.count, unit: "images")
    defer { meter.close() }
    let tokens = try TokenSet.encode(
      data, batch: teacher.imagesAtOnce,
      progress: { done in
        meter.update(done)
        if interrupts.flag.isRaised { meter.close() }
        try interrupts.check("\(done) of \(data.count) images")
      }, encoder: { try teacher.encode(images_BhwC: $0) })
    try TokenFile.write(tokens, to: writer)
    try writer.finish()
    try Console.result("\(output): \(tokens.count) images, \(teacher.layout.count) tokens each")
  }
}
