import DD2Teacher
import Sampling

extension StudentFactory {
  /// The students of a run.
  init(teacher: any Teacher, _ configuration: DistillationConfiguration) {
    self.init(
      teacher: teacher, head: configuration.head, adaptation: configuration.adaptation, seed: configuration.seed)
  }
}
