import DD2Teacher
import TeacherModels
import TensorCore
import Training

/// Sequences that a teacher draws itself, for stage 1 where there are no images: who has nothing but the teacher's weights
/// can distil it.
extension TokenCollection {
  /// The name of the collection.
  static let ownSequencesName = "sequences"

  /// As many as stage 1's updates can see, drawn with the run's guidance: that is the distribution whose prefixes the
  /// generator will draw. Sequence i is of class `i % classCount`.
  static func ownSequences(of teacher: any Teacher, _ settings: DistillationConfiguration) throws -> TokenCollection {
    TokenCollection(
      name: ownSequencesName, total: settings.ownSequenceCount,
      origin: ["sampling_seed": String(settings.seed), "guidance": try JSON.text(settings.guidance)],
      batch: min(mostAtOnce, teacher.sequencesAtOnce)
    ) {
      { indices in
        let labels = indices.map { Int32($0 % teacher.classCount) }
        let ids = try teacher.sample(
          labels: IndexTensor(labels), guidance: settings.guidance, seed: settings.seed, indices: Array(indices),
          purpose: "stage1.sequences")
        return TokenSet(ids: ids.array, labels: labels)
      }
    }
  }
}
