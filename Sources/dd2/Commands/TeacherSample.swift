import ArgumentParser
import DD2Teacher
import Sampling
import TeacherModels

/// `dd2 teacher sample`: draws with the teacher, stage by stage.
struct TeacherSample: SpreadCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "Draw images with a teacher.",
    discussion: """
      Example: dd2 teacher sample shapes32-llamagen --cfg 3 -o out/

      Writes 000012-class3.png and so on, and samples.json with all settings; with --tokens-out the tokens too, or \
      alone where no --output is given.
      """)

  @Argument(
    help: ArgumentHelp(
      "The teacher file, or the name of a bundled one; the same as --teacher.", valueName: "name|file"),
    completion: .file())
  var file: String?

  @OptionGroup(title: "Teacher") var teacher: TeacherOptions
  @OptionGroup(title: "Images") var samples: SampleOptions
  @OptionGroup(title: "Guidance of the teacher") var guidance: GuidanceOptions
  @OptionGroup var computing: DeviceOptions

  @Flag(help: "Take the most likely token everywhere instead of drawing.")
  var greedy = false

  @Option(
    help: ArgumentHelp("Also write ids (B, L) and labels (B) to this HDF5 file.", valueName: "file"),
    completion: .file())
  var tokensOut: String?

  func validate() throws {
    if greedy, guidance.temperature != nil || guidance.topK != nil || guidance.topP != nil {
      throw ValidationError("--greedy draws nothing: leave out --temperature, --top-k and --top-p")
    }
    if file != nil, teacher.teacher != nil {
      throw ValidationError("the teacher is given twice, by name and with --teacher; leave one out")
    }
    if samples.output == nil, tokensOut == nil {
      throw ValidationError("give --output DIR for images, --tokens-out FILE for tokens, or both")
    }
    if samples.output == nil, samples.grid { throw ValidationError("--grid needs --output DIR") }
  }

  func run() throws {
    try Self.draw(
      try file.map(TeacherOptions.load) ?? teacher.load(), guidance: guidance.applied(to: Guidance()), greedy: greedy,
      options: samples, tokensOut: tokensOut)
  }

  /// Draws and writes; `dd2 sample --teacher-steps` does the same.
  static func draw(
    _ teacher: TeacherFile.Loaded, guidance: Guidance, greedy: Bool, options: SampleOptions, tokensOut: String? = nil
  ) throws {
    try Outputs.check(tokensOut, option: "--tokens-out", as: .tokens, inputs: [teacher.path])
    let sampler = TeacherSampler(teacher: teacher.teacher, guidance: guidance, greedy: greedy)
    let record = SampleRecord.teacher(
      teacher, guidance: guidance, greedy: greedy, callsPerImage: sampler.callsPerImage, options: options)
    try SamplingRun(options: options, tokensOut: tokensOut, sampler: sampler, classNames: teacher.classNames).run(
      record)
  }
}
