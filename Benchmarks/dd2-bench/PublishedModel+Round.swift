import DD2Teacher
import Distillation
import Sampling
import TeacherModels
import TensorCore

extension PublishedModel {
  /// One update of each network of stage 2, of weights that have no values: for backends that compute nothing.
  /// - Parameters:
  ///   - batch: sequences of an update, over all replicas.
  ///   - microBatch: those of a replica's pass; 0 for all of its share.
  static func makeRound(_ model: String, batch: Int, microBatch: Int, levels: Int, recompute: Bool) throws {
    let teacher = try teacher(model, seed: nil).teacher
    var settings = DistillationConfiguration(steps: 1)
    settings.batch = batch
    settings.microBatch = microBatch
    settings.noiseLevels = levels
    settings.recomputes = recompute
    settings.scoreUpdates = 1
    settings.firstRounds = 0
    let factory = StudentFactory(
      teacher: teacher, head: settings.head, adaptation: settings.adaptation, seed: settings.seed)
    let stage1 = try factory.scoreNetwork().parameters.stateDict()
    let stage = try Stage2Training(
      teacher: teacher, stage1: stage1, start: nil,
      pairs: TokenSource { preconditionFailure("a round takes no pairs") }, configuration: settings,
      monitor: DistillationMonitor(teacher: teacher, scorer: nil, configuration: settings))
    _ = try stage.step(0)
  }
}
