import ArgumentParser

/// Commands about teachers.
struct TeacherCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "teacher", abstract: "Train, sample or look at a teacher.",
    subcommands: [
      TeacherTrain.self, TeacherSample.self, TeacherInspect.self, TeacherEvaluate.self, TeacherEncode.self,
      TeacherDecode.self,
    ])
}
