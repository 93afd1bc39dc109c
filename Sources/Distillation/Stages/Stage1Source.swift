import Artifacts
import Datasets
import Processes
import TeacherModels
import Training

/// Where the token sequences come from that stage 1 learns.
public enum Stage1Source {
  /// Images, which the teacher's tokenizer encodes.
  case images(any ImageSource)
  /// A file of `dd2 teacher encode`.
  case tokens(RecordedFile)
  /// The teacher, which draws them.
  case teacher
}

extension DistillationPipeline {
  /// The sequences of stage 1, made when first asked for: a stage that is resumed at its end needs none.
  func stage1Tokens(_ source: Stage1Source, command: String) -> TokenSource {
    TokenSource {
      switch source {
      case .images(let images): try encode(images)
      case .tokens(let file): try read(file)
      case .teacher:
        try TokenCollection.ownSequences(of: teacher.teacher, configuration).sequences(
          session(TokenCollection.ownSequencesName, command: command))
      }
    }
  }

  private func encode(_ images: any ImageSource) throws -> TokenSet {
    let indices = configuration.trainingIndices(of: images.count)
    observer(.started(stage: "encoding", completed: 0, total: indices.count))
    return try TokenSet.encode(
      images, indices: indices, batch: teacher.teacher.imagesAtOnce,
      progress: { completed in
        observer(.step(stage: "encoding", completed: completed, total: indices.count, metrics: []))
        if ProcessGroup.current.any(interrupt.isRaised) { throw RunInterrupted(checkpoint: nil) }
      }, encoder: { try teacher.teacher.encode(images_BhwC: $0) })
  }

  /// The sequences of the same indices as those of the images would be.
  private func read(_ file: RecordedFile) throws -> TokenSet {
    try file.requireUnchanged()
    let count = try TokenFile.count(file.path, for: teacher)
    return try TokenFile.read(file.path, at: configuration.trainingIndices(of: count), for: teacher.teacher)
  }
}
