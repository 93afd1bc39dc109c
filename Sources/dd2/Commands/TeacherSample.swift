import ArgumentParser
import DD2Teacher
import Distillation

/// `dd2 teacher sample`: draws with the teacher, stage by stage.
struct TeacherSample: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "Draw images with a teacher.",
    discussion: "Writes 000012-class3.png and so on, and samples.json with all settings.")

  @OptionGroup var teacher: TeacherOptions
  @OptionGroup var samples: SampleOptions
  @OptionGroup var guidance: GuidanceOptions

  @Flag(help: "Take the most likely token everywhere instead of drawing.")
  var greedy = false

  func validate() throws {
    if greedy, guidance.temperature != nil || guidance.topK != nil || guidance.topP != nil {
      throw ValidationError("--greedy draws nothing: leave out --temperature, --top-k and --top-p")
    }
  }

  func run() throws {
    try Self.draw(
      try teacher.load(), guidance: guidance.applied(to: Guidance()), greedy: greedy, options: samples)
  }

  /// Draws and writes; `dd2 sample --teacher-steps` does the same.
  static func draw(
    _ teacher: TeacherFile.Loaded, guidance: Guidance, greedy: Bool, options: SampleOptions
  ) throws {
    let sampler = TeacherSampler(teacher: teacher.teacher, guidance: guidance, greedy: greedy)
    let record = SampleRecord.teacher(
      teacher, guidance: guidance, greedy: greedy, callsPerImage: sampler.callsPerImage, options: options)
    try SamplingRun(options: options, classCount: teacher.teacher.classCount, sampler: sampler)(record)
  }
}
