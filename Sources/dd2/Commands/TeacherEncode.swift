import ArgumentParser
import Artifacts
import Datasets
import Processes
import TeacherModels

/// `dd2 teacher encode`: images to tokens.
struct TeacherEncode: SpreadCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode", abstract: "Turn images into a teacher's tokens.",
    discussion: """
      Example: dd2 teacher encode shapes32-var --images images/ -o tokens.h5

      Reads PNG and JPEG files in sorted order, cropped to the teacher's image size, a subfolder per class or the class \
      in the name (000012-class3.png), and writes HDF5 with ids (B, L) and labels (B), and which class each folder was: \
      'dd2 distill' and 'dd2 teacher train' take it with --tokens. An interrupted encoding goes on when the command is \
      given again.
      """)

  @Argument(
    help: ArgumentHelp("The teacher file, or the name of a bundled one.", valueName: "name|file"), completion: .file())
  var file: String

  @Option(help: ArgumentHelp("The folder of images, or shapes32.", valueName: "dir"), completion: .directory)
  var images: String

  @OptionGroup var classes: ClassOptions
  @OptionGroup var computing: DeviceOptions
  @OptionGroup var crop: CropOptions

  @Option(name: .shortAndLong, help: ArgumentHelp("The HDF5 file to write.", valueName: "file"), completion: .file())
  var output: String

  func validate() throws {
    guard images == DataOptions.builtIn, classes.classes != nil || crop.crop != nil else { return }
    throw ValidationError("--classes and --crop are of folders of images; leave them out with \(DataOptions.builtIn)")
  }

  func run() throws {
    let loaded = try TeacherOptions.load(file)
    let teacher = loaded.teacher
    try Outputs.check(output, option: "-o", as: .tokens, inputs: [loaded.path])
    var (encoding, count) = try open(loaded)
    let interrupts = Interrupts()
    if encoding.hasDamage { Log.warning("\(TokenEncoding.folder(of: output)): damaged from there on, encoded anew") }
    if encoding.completed > 0 { Log.info("going on after \(encoding.completed) of \(count) images") }
    let meter = ProgressMeter("encoding", total: count, unit: "images", initial: encoding.completed)
    defer { meter.close() }
    try encoding.run { done in
      meter.update(done)
      guard ProcessGroup.current.any(interrupts.flag.isRaised) else { return }
      meter.close()
      throw CommandFailure(
        .interrupted, "interrupted after \(done) of \(count) images; run the command again to go on from there")
    }
    try Console.result("\(output): \(count) images, \(teacher.layout.count) tokens each")
  }

  /// The encoding, or the rest of one that was begun.
  /// - Throws: `CommandFailure` where that was of other images, and what images and files throw.
  private func open(_ teacher: TeacherFile.Loaded) throws -> (TokenEncoding, count: Int) {
    do {
      let set = try TrainingImages(
        images, classes.rule(), crop.crop, of: teacher, recorded: try TokenEncoding.begunImages(for: output))
      let encoding = try TokenEncoding(
        set.source, data: images, record: set.record, teacher: teacher, output: output)
      set.logNotes()
      return (encoding, set.source.count)
    } catch {
      let isOther =
        switch error {
        case is TokenEncoding.OtherOrigin, DatasetError.changedImages, DatasetError.changedCrop: true
        default: false
        }
      guard isOther else { throw error }
      throw CommandFailure(
        .badData,
        "\(TokenEncoding.folder(of: output)): was begun with other images, another crop or tokenizer; remove it to start "
          + "over")
    }
  }
}
